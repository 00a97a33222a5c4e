//! The files of the record: `calls.jsonl` is written, `calls.1.jsonl` is the one before, and so on, up to a number. Owns
//! how several processes share them: each appends whole lines in one write, and whoever finds the file full moves it on while
//! it holds a lock. A line is never split between files and never lost by a move.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::limits::{RECORD_LINE_MAX, RECORD_LOCK_WAIT};

/// What one process writes.
pub(crate) struct Journal {
    folder: PathBuf,
    bytes_max: u64,
    files_max: usize,
    open: Option<File>,
    has_failed: bool,
}

impl Journal {
    /// Files of about so many bytes, and so many of them.
    pub(crate) fn new(folder: PathBuf, bytes_max: u64, files_max: usize) -> Self {
        Self {
            folder,
            bytes_max,
            files_max: files_max.max(1),
            open: None,
            has_failed: false,
        }
    }

    /// Where they lie.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the last lines could not be written.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Adds whole lines.
    pub(crate) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = self.write(lines);
        self.has_failed = written.is_err();
        if self.has_failed {
            self.open = None;
        }
        written
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let path = current(&self.folder);
        // Another process may have moved it on, or somebody removed it.
        let is_ours = self.open.as_ref().is_some_and(|file| is_at(file, &path));
        if !is_ours {
            config::private_dir(&self.folder)?;
            self.open = Some(create(&path)?);
        }
        let is_full = |file: &File| -> io::Result<bool> {
            let size = file.metadata()?.len();
            Ok(size > 0 && size + lines.len() as u64 > self.bytes_max)
        };
        if let Some(file) = &self.open
            && is_full(file)?
            && let Some(_lock) = lock(&self.folder)?
        {
            // Nobody else has done it in the meantime.
            if is_at(file, &path) {
                move_on(&self.folder, self.files_max)?;
            }
            self.open = Some(create(&path)?);
        }
        match &mut self.open {
            Some(file) => file.write_all(lines),
            None => Ok(()),
        }
    }
}

/// Follows what is written, from the end on, through moves.
pub(crate) struct Follower {
    folder: PathBuf,
    open: Option<BufReader<File>>,
    /// The beginning of a line whose end is still to come.
    partial: Vec<u8>,
}

impl Follower {
    /// From what is there now on.
    pub(crate) fn at_end(folder: &Path) -> io::Result<Self> {
        let mut open = existing(&current(folder))?;
        if let Some(file) = &mut open {
            file.seek(SeekFrom::End(0))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            open: open.map(BufReader::new),
            partial: Vec::new(),
        })
    }

    /// The lines that have come since.
    pub(crate) fn more(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            if self.open.is_none() {
                self.open = existing(&current(&self.folder))?.map(BufReader::new);
            }
            let Some(file) = &mut self.open else {
                return Ok(lines);
            };
            // Asked before reading: what is written to a file that was moved on is read to its end.
            let is_current = is_at(file.get_ref(), &current(&self.folder));
            while file.read_until(b'\n', &mut self.partial)? > 0 {
                if self.partial.ends_with(b"\n") {
                    lines.push(String::from_utf8_lossy(&self.partial).trim_end().to_owned());
                    self.partial.clear();
                } else if self.partial.len() > RECORD_LINE_MAX {
                    self.partial.clear();
                }
            }
            if is_current {
                return Ok(lines);
            }
            let next = after(&self.folder, file.get_ref())?;
            self.open = next.map(BufReader::new);
            if self.open.is_none() {
                return Ok(lines);
            }
        }
    }
}

/// All files, newest first, none of them moved while they are opened.
pub(crate) fn open_all(folder: &Path) -> io::Result<Vec<File>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let _lock = lock(folder)?;
    let mut files: Vec<File> = existing(&current(folder))?.into_iter().collect();
    let mut number = 1;
    while let Some(file) = existing(&numbered(folder, number))? {
        files.push(file);
        number += 1;
    }
    Ok(files)
}

fn current(folder: &Path) -> PathBuf {
    folder.join("calls.jsonl")
}

fn numbered(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("calls.{number}.jsonl"))
}

/// The file that was begun after this one, which was moved on.
fn after(folder: &Path, file: &File) -> io::Result<Option<File>> {
    let _lock = lock(folder)?;
    let at = |number: usize| match number {
        0 => current(folder),
        number => numbered(folder, number),
    };
    let mut number = 1;
    while at(number).exists() {
        if is_at(file, &at(number)) {
            return existing(&at(number - 1));
        }
        number += 1;
    }
    // It is removed by now: what is left begins with the oldest.
    existing(&at(number - 1))
}

fn move_on(folder: &Path, files_max: usize) -> io::Result<()> {
    // More than there may be now: the limit was higher once.
    let mut last = files_max.saturating_sub(1);
    while numbered(folder, last + 1).exists() {
        last += 1;
    }
    for number in (files_max.max(1)..=last).rev() {
        remove(&numbered(folder, number))?;
    }
    for number in (1..files_max.saturating_sub(1)).rev() {
        rename(&numbered(folder, number), &numbered(folder, number + 1))?;
    }
    match files_max {
        0 | 1 => remove(&current(folder)),
        _ => rename(&current(folder), &numbered(folder, 1)),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    unless_missing(fs::remove_file(path))
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    unless_missing(fs::rename(from, to))
}

fn unless_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether an open file is the one at this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(ours), Ok(theirs)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Held for moments. None: another process has it for longer than that; whoever only appends goes on without.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(folder.join("lock"))?;
    let until = Instant::now() + RECORD_LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return Ok(None),
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(RECORD_LOCK_WAIT / 100),
        }
    }
}

#[cfg(test)]
mod tests;
