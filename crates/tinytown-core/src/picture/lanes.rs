//! Where lanes run: which column each item stands in, and what every row shows of each lane.
//!
//! A lane belongs to an item and runs from it down to the last item that needs it. An item that ends a
//! lane stands in that lane's column; a lane that is only touched gets a leg to the item.

use super::shape::Shape;

/// Most lanes that run side by side.
const LANES: usize = 12;
/// One more than lanes, so that an item finds room beside them.
const COLUMNS: usize = LANES + 1;

/// What a row shows in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing, or a leg that passes.
    Empty,
    /// A lane that has nothing to do with this row.
    Lane,
    /// A lane that the item needs and that runs on.
    Touched,
    /// A lane that the item needs and that ends with it.
    Ended,
    /// A lane that makes room: who needs it further on names it.
    Cut,
    /// The item.
    Item,
}

/// One row of the drawing.
#[derive(Debug)]
pub(super) struct Row {
    /// What stands in each column.
    pub(super) cells: [Cell; COLUMNS],
    /// Whether a lane leaves the item.
    pub(super) leaves: bool,
    /// Rows that the item needs and no lane shows.
    pub(super) before: Vec<usize>,
    /// Whether the item is needed, but found no room for a lane.
    pub(super) cramped: bool,
}

impl Row {
    /// Number of columns up to the last one that shows something.
    pub(super) fn width(&self) -> usize {
        self.cells.iter().rposition(|cell| *cell != Cell::Empty).map_or(0, |last| last + 1)
    }

    /// The first and the last column of the item and its legs.
    pub(super) fn legs(&self) -> (usize, usize) {
        let held = |cell: &Cell| matches!(cell, Cell::Item | Cell::Touched | Cell::Ended);
        let first = self.cells.iter().position(held).unwrap_or(0);
        (first, self.cells.iter().rposition(held).unwrap_or(0))
    }
}

/// Lays out every row. `uses` are those of the shape.
pub(super) fn lay_out(shape: &Shape, uses: &[Vec<usize>]) -> Vec<Row> {
    let mut board = Board { uses, columns: [None; COLUMNS] };
    shape.needs.iter().enumerate().map(|(row, needs)| board.place(row, needs)).collect()
}

#[derive(Debug, Clone, Copy)]
struct Lane {
    /// The row that it leaves.
    owner: usize,
    /// How many of the rows that need it have been passed.
    passed: usize,
}

/// The lanes above the row that comes next.
struct Board<'a> {
    uses: &'a [Vec<usize>],
    columns: [Option<Lane>; COLUMNS],
}

impl Board<'_> {
    fn place(&mut self, row: usize, needs: &[usize]) -> Row {
        let mut shown = Vec::new();
        let mut cells = [Cell::Empty; COLUMNS];
        for (column, cell) in cells.iter_mut().enumerate() {
            *cell = self.pass(column, row, &mut shown);
        }
        // There are fewer lanes than columns, so one is empty if none ends here.
        let free = |cell: Cell| cells.iter().position(|other| *other == cell);
        let stand = free(Cell::Ended).or(free(Cell::Empty)).unwrap_or(LANES);
        cells[stand] = Cell::Item;
        let wanted = !self.uses[row].is_empty();
        let leaves = wanted && self.make_room(row, &mut cells);
        if leaves {
            self.columns[stand] = Some(Lane { owner: row, passed: 0 });
        }
        let before = needs.iter().copied().filter(|need| !shown.contains(need)).collect();
        Row { cells, leaves, before, cramped: wanted && !leaves }
    }

    /// What a row shows in a column before its item is placed; notes whose lane it touches.
    fn pass(&mut self, column: usize, row: usize, shown: &mut Vec<usize>) -> Cell {
        let Some(lane) = &mut self.columns[column] else { return Cell::Empty };
        let uses = &self.uses[lane.owner];
        if uses[lane.passed] != row {
            return Cell::Lane;
        }
        shown.push(lane.owner);
        lane.passed += 1;
        if lane.passed < uses.len() {
            return Cell::Touched;
        }
        self.columns[column] = None;
        Cell::Ended
    }

    /// Whether there is room for the lane of a new row. Where there is none, that lane yields which is
    /// needed last, be it the new one; a lane that was just touched stays.
    fn make_room(&mut self, row: usize, cells: &mut [Cell; COLUMNS]) -> bool {
        if self.columns.iter().flatten().count() < LANES {
            return true;
        }
        let others = (0..COLUMNS).filter(|column| cells[*column] == Cell::Lane);
        let last = others.max_by_key(|column| self.next_use(*column));
        let Some(victim) = last.filter(|column| self.next_use(*column) > Some(self.uses[row][0])) else {
            return false;
        };
        self.columns[victim] = None;
        cells[victim] = Cell::Cut;
        true
    }

    fn next_use(&self, column: usize) -> Option<usize> {
        self.columns[column].map(|lane| self.uses[lane.owner][lane.passed])
    }
}
