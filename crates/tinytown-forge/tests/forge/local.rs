//! The local forge passes the conformance suite, in every kind of place.

use crate::place::Place;

tinytown_forge::conformance!(with_the_base_checked_out, Place::new());
tinytown_forge::conformance!(with_the_base_in_no_folder, Place::elsewhere());
tinytown_forge::conformance!(with_a_remote_for_several_machines, Place::shared());
tinytown_forge::conformance!(with_sha256, Place::of_format("sha256", true));
