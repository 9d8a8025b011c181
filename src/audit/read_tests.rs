//! Reading a log for people: what is shown, and what is refused.
