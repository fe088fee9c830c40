//! The headings and task lists of a Markdown text, with where they stand.

use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::markers;

/// A heading that is in no list and no quote.
pub(super) struct Heading {
    pub(super) level: u8,
    /// Its words, without formatting.
    pub(super) title: String,
    /// As links name it: GitHub's way, unique within the document.
    pub(super) anchor: String,
    pub(super) range: Range<usize>,
}

/// A top-level entry of a task list.
pub(super) struct Task {
    /// The words of its first line, without formatting.
    pub(super) title: String,
    /// Its number in an ordered list.
    pub(super) number: Option<u64>,
    pub(super) done: bool,
    /// From behind its box to its end.
    pub(super) text: Range<usize>,
}

/// What a document is made of.
pub(super) struct Outline {
    pub(super) headings: Vec<Heading>,
    tasks: Vec<Task>,
    end: usize,
}

/// Where the reading of an outline stands.
#[derive(Default)]
struct Builder {
    headings: Vec<Heading>,
    tasks: Vec<Task>,
    anchors: BTreeMap<String, u32>,
    /// How many lists and quotes we are in.
    depth: usize,
    /// The next number of the outermost list, if it is ordered.
    next: Option<u64>,
    /// Where the outermost entry ends, until its box is seen.
    item: Option<usize>,
    /// Words are gathered.
    gathering: bool,
    words: String,
}

impl Outline {
    pub(super) fn of(text: &str) -> Self {
        let mut builder = Builder::default();
        for (event, range) in markers::parser(text).into_offset_iter() {
            builder.event(event, range);
        }
        Self { headings: builder.headings, tasks: builder.tasks, end: text.len() }
    }

    /// The heading of these words, or of this anchor.
    pub(super) fn find(&self, heading: &str) -> Option<usize> {
        let named = heading.trim().trim_start_matches('#').trim();
        let by = |suits: &dyn Fn(&Heading) -> bool| self.headings.iter().position(suits);
        by(&|heading| heading.title == named)
            .or_else(|| by(&|heading| heading.anchor == named))
            .or_else(|| by(&|heading| heading.title.to_lowercase() == named.to_lowercase()))
            .or_else(|| by(&|heading| heading.anchor == anchor(named)))
    }

    /// Where the section of a heading ends, with all that is below it.
    pub(super) fn end_of(&self, at: usize) -> usize {
        let level = self.headings[at].level;
        let next = self.headings[at + 1..].iter().find(|heading| heading.level <= level);
        next.map_or(self.end, |heading| heading.range.start)
    }

    /// The tasks of a heading's own text, before any section below it.
    pub(super) fn tasks_of(&self, at: usize) -> &[Task] {
        let begin = self.headings[at].range.end;
        let end = self.headings.get(at + 1).map_or(self.end, |heading| heading.range.start);
        let first = self.tasks.partition_point(|task| task.text.start < begin);
        let last = self.tasks.partition_point(|task| task.text.start < end);
        &self.tasks[first..last]
    }

    /// The sections below a heading, of the highest level that there is.
    pub(super) fn sections_of(&self, at: usize) -> impl Iterator<Item = usize> {
        let end = self.end_of(at);
        let below = at + 1..at + 1 + self.headings[at + 1..].partition_point(|it| it.range.start < end);
        let highest = self.headings[below.clone()].iter().map(|heading| heading.level).min();
        below.filter(move |at| Some(self.headings[*at].level) == highest)
    }
}

impl Builder {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::Heading { .. }) if self.depth == 0 => self.gather(),
            Event::End(TagEnd::Heading(level)) if self.depth == 0 => self.heading(level as u8, range),
            Event::Start(Tag::List(first)) => {
                if self.depth == 0 {
                    self.next = first;
                }
                self.enter();
            }
            Event::Start(Tag::BlockQuote(_)) => self.enter(),
            Event::End(TagEnd::List(_) | TagEnd::BlockQuote(_)) => self.depth -= 1,
            Event::Start(Tag::Item) if self.depth == 1 => self.item = Some(range.end),
            Event::End(TagEnd::Item) if self.depth == 1 => self.end_item(),
            Event::TaskListMarker(done) if self.depth == 1 => self.task(done, range.end),
            Event::Text(text) | Event::Code(text) if self.gathering => self.words.push_str(&text),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph) => self.end_title(),
            _ => {}
        }
    }

    /// Whatever is below has words of its own.
    fn enter(&mut self) {
        self.end_title();
        self.depth += 1;
    }

    fn gather(&mut self) {
        self.words.clear();
        self.gathering = true;
    }

    fn heading(&mut self, level: u8, range: Range<usize>) {
        self.gathering = false;
        let title = std::mem::take(&mut self.words).trim().to_owned();
        let plain = anchor(&title);
        let times = self.anchors.entry(plain.clone()).or_default();
        let anchor = if *times == 0 { plain } else { format!("{plain}-{times}") };
        *times += 1;
        self.headings.push(Heading { level, title, anchor, range });
    }

    /// An entry has a box: from here on it is a task.
    fn task(&mut self, done: bool, begin: usize) {
        if let Some(end) = self.item.take() {
            self.tasks.push(Task { title: String::new(), number: self.next, done, text: begin + 1..end });
            self.gather();
        }
    }

    fn end_title(&mut self) {
        if self.depth == 1
            && std::mem::take(&mut self.gathering)
            && let Some(task) = self.tasks.last_mut()
        {
            self.words.trim().clone_into(&mut task.title);
        }
    }

    fn end_item(&mut self) {
        self.end_title();
        self.item = None;
        self.next = self.next.map(|number| number + 1);
    }
}

/// A heading's name in links, as GitHub makes it: lower case, blanks as hyphens, without punctuation.
fn anchor(title: &str) -> String {
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}
