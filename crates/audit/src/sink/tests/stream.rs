//! Streams that accept only part of their input.
use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;

/// Accepts as many bytes per call as the script gives; after its end, none.
#[derive(Clone, Default)]
struct ShortWriter {
    script: Arc<Mutex<Vec<Option<usize>>>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for ShortWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.script.lock().pop() {
            Some(None) => Err(io::ErrorKind::WouldBlock.into()),
            step => {
                let len = step.flatten().unwrap_or(usize::MAX).min(bytes.len());
                self.written.lock().extend_from_slice(&bytes[..len]);
                Ok(len)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

proptest! {
    #[test]
    fn each_line_is_written_whole_once_despite_errors(
        script in proptest::collection::vec(proptest::option::of(0usize..300), 0..40),
        sizes in proptest::collection::vec(1usize..5, 1..10),
    ) {
        let stream = ShortWriter { script: Arc::new(Mutex::new(script)), ..ShortWriter::default() };
        let mut sink = StreamSink::new("stream", Box::new(stream.clone()));
        let lines = Lines::new(sizes.iter().sum()).lines;
        let entries = sealed(&lines);
        let mut rest = &entries[..];
        for size in sizes {
            let (batch, behind) = rest.split_at(size);
            rest = behind;
            while sink.append(batch).and_then(|()| sink.commit()).is_err() {}
        }
        let want: String = lines.iter().map(|line| format!("{line}\n")).collect();
        prop_assert_eq!(String::from_utf8(stream.written.lock().clone()).unwrap(), want);
        prop_assert_eq!(sink.next_seq().unwrap(), Some(lines.len() as u64));
    }
}

#[test]
fn a_gap_is_refused_without_losing_earlier_entries() {
    let lines = Lines::new(4).lines;
    let entries = sealed(&lines);
    let written = ShortWriter::default();
    let mut sink = StreamSink::new("stream", Box::new(written.clone()));
    let error = sink.append(&[entries[0], entries[2]]).unwrap_err().to_string();
    assert_eq!(error, "stream: expected entry 1 next, found 2");
    sink.append(&entries).unwrap();
    let text = String::from_utf8(written.written.lock().clone()).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
}
