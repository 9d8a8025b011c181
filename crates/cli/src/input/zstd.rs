//! zstd data: frames one after another, with their checksums.
use std::io::{self, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Unpacks all frames. Memory is the window of a frame, up to 128 MiB.
pub(super) struct ZstdReader<R> {
    from: R,
    decoder: FrameDecoder,
    /// A frame has begun.
    is_inside: bool,
}

impl<R: Read> ZstdReader<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, decoder: FrameDecoder::new(), is_inside: false }
    }

    /// Begins the next frame; returns false at the end of the data.
    fn begin(&mut self) -> io::Result<bool> {
        let mut first = [0];
        loop {
            match self.from.read(&mut first) {
                Ok(0) => return Ok(false),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.decoder.reset(first[..].chain(&mut self.from)) {
            Ok(()) => {
                self.is_inside = true;
                Ok(true)
            }
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let skipped = io::copy(&mut (&mut self.from).take(length.into()), &mut io::sink())?;
                if skipped < length.into() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(true)
            }
            Err(error) => Err(broken(&error)),
        }
    }

    /// Ends a frame whose content has been returned.
    fn finish(&mut self) -> io::Result<()> {
        self.is_inside = false;
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(broken(&"the checksum differs"));
        }
        Ok(())
    }
}

fn broken(error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("damaged zstd data: {error}"))
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_inside {
                if !self.begin()? {
                    return Ok(0);
                }
                continue;
            }
            let len = self.decoder.read(to)?;
            if len > 0 || to.is_empty() {
                return Ok(len);
            }
            if self.decoder.is_finished() {
                self.finish()?;
                continue;
            }
            let some = BlockDecodingStrategy::UptoBlocks(1);
            self.decoder.decode_blocks(&mut self.from, some).map_err(|error| broken(&error))?;
        }
    }
}
