//! A ring as another process finds its file.
//!
//! Promises: reading is total; a ring whose words contradict each other is an error, and the other rings are read all
//! the same. Only what was published and not given back is read, into memory of this process.
use std::fmt;
use std::io;

use crate::ringbuf::{
    Consumer, HEAD_AT, RingWords, SHARED_DATA_AT, TAIL_AT, WATERMARK_AT, consumer_of,
};
use ringseal_base::storage::{StorageFile, read_exact};

/// A ring's words, and the file with its data.
pub struct RingImage {
    file: Box<dyn StorageFile>,
    words: RingWords,
}

impl fmt::Debug for RingImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingImage").field("words", &self.words).finish_non_exhaustive()
    }
}

impl RingImage {
    /// Reads the words and checks them.
    pub fn read(file: Box<dyn StorageFile>) -> io::Result<RingImage> {
        let len = file.stat()?.len;
        let capacity =
            len.checked_sub(SHARED_DATA_AT as u64).and_then(|len| usize::try_from(len).ok());
        let word = |at: usize| {
            let mut bytes = [0; 8];
            read_exact(&*file, &mut bytes, at as u64)?;
            usize::try_from(u64::from_le_bytes(bytes))
                .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
        };
        let words = RingWords {
            capacity_bytes: capacity.unwrap_or(0),
            head: word(HEAD_AT)?,
            tail: word(TAIL_AT)?,
            watermark: word(WATERMARK_AT)?,
        };
        match words.check() {
            Ok(()) => Ok(RingImage { file, words }),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// Its words.
    pub fn words(&self) -> RingWords {
        self.words
    }

    /// Bytes that wait in it.
    pub fn waiting_bytes(&self) -> usize {
        self.words.tail - self.words.head
    }

    /// A copy of all data, with what was given back.
    pub fn data(&self) -> io::Result<Vec<u8>> {
        let mut data = vec![0; self.words.capacity_bytes];
        read_exact(&*self.file, &mut data, SHARED_DATA_AT as u64)?;
        Ok(data)
    }

    /// A consumer of a copy of what waits.
    pub fn consumer(&self) -> io::Result<Consumer> {
        consumer_of(self.words, &mut |offset, bytes| {
            read_exact(&*self.file, bytes, (SHARED_DATA_AT + offset) as u64)
        })
    }
}
