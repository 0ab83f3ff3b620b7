//! The log of this test process, of which each test reads the lines about its own issuer.

use std::{
    io,
    sync::{Mutex, Once},
};
use tracing_subscriber::fmt::MakeWriter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Keeps what is logged from now on.
pub fn keep() {
    static START: Once = Once::new();
    START.call_once(|| {
        let kept = tracing_subscriber::fmt().with_writer(Kept).with_ansi(false).finish();
        tracing::subscriber::set_global_default(kept).expect("the only one");
    });
}

/// The lines that contain this.
pub fn lines(about: &str) -> Vec<String> {
    let kept = LINES.lock().expect("not poisoned");
    let text = String::from_utf8_lossy(&kept);
    text.lines().filter(|line| line.contains(about)).map(str::to_owned).collect()
}

struct Kept;

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}
