//! The memory of all boxes together, where no control group holds it.
//!
//! Owns a thread that adds up what the processes of each box have for themselves, while there are any, and ends the
//! largest box when that is too much. It looks now and then, so more may be used for a moment; with control groups
//! (see [`super::cgroup`]) the system itself refuses.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use rustix::process::Pid;

use crate::guard::tree;
use crate::limits::TOGETHER_LOOK;
use crate::spawn::Reins;

/// The boxes of one launcher that are looked at.
#[derive(Debug, Default)]
pub(super) struct Together {
    boxes: Arc<Mutex<Vec<Watched>>>,
}

/// A box, by the process that everything in it descends from.
#[derive(Debug)]
struct Watched {
    root: Pid,
    reins: Weak<Reins>,
}

impl Together {
    /// Counts a box in until it ends. All of them may use `limit` bytes.
    pub(super) fn watch(&self, root: Pid, reins: &Arc<Reins>, limit: u64) {
        let mut boxes = self.boxes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = boxes.is_empty();
        boxes.push(Watched {
            root,
            reins: Arc::downgrade(reins),
        });
        if !is_first {
            return;
        }
        let shared = self.boxes.clone();
        let looks = move || {
            loop {
                thread::park_timeout(TOGETHER_LOOK);
                let mut boxes = shared.lock().unwrap_or_else(PoisonError::into_inner);
                boxes.retain(|watched| watched.reins.strong_count() > 0);
                if boxes.is_empty() {
                    return;
                }
                look(&boxes, limit);
            }
        };
        let started = thread::Builder::new()
            .name("memory".to_owned())
            .spawn(looks);
        if started.is_err() {
            // The next one tries again.
            boxes.clear();
        }
    }
}

/// Ends the largest box if all together are too large.
fn look(boxes: &[Watched], limit: u64) {
    let parents: HashMap<Pid, Pid> = tree::parents().into_iter().collect();
    let roots: Vec<Pid> = boxes.iter().map(|watched| watched.root).collect();
    let used = sums(&roots, &parents, own_memory);
    if let Some(largest) = to_end(&used, limit)
        && let Some(reins) = boxes[largest].reins.upgrade()
    {
        reins.end_for_memory();
    }
}

/// What everything below each root has, in bytes.
fn sums(roots: &[Pid], parents: &HashMap<Pid, Pid>, memory: impl Fn(Pid) -> u64) -> Vec<u64> {
    let mut sums = vec![0; roots.len()];
    for &process in parents.keys() {
        let mut at = process;
        // A table that was read while it changed may hold a ring.
        for _ in 0..parents.len() {
            if let Some(root) = roots.iter().position(|root| *root == at) {
                sums[root] += memory(process);
                break;
            }
            match parents.get(&at) {
                Some(&parent) => at = parent,
                None => break,
            }
        }
    }
    sums
}

/// The one to be ended, if somebody has to be.
fn to_end(used: &[u64], limit: u64) -> Option<usize> {
    let all: u64 = used.iter().sum();
    if all <= limit {
        return None;
    }
    (0..used.len()).max_by_key(|&one| used[one])
}

/// The memory that a process has for itself: what is in it, less what it shares with others through files.
fn own_memory(process: Pid) -> u64 {
    let file = format!("/proc/{}/statm", process.as_raw_nonzero());
    // One that has ended meanwhile has none.
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut pages = text.split(' ').skip(1).map_while(|word| word.parse().ok());
    let (resident, shared): (u64, u64) = (
        pages.next().unwrap_or_default(),
        pages.next().unwrap_or_default(),
    );
    resident.saturating_sub(shared) * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    #[test]
    fn everything_below_a_box_counts_for_it_and_nothing_else() {
        let parents = [
            (2, 1),
            (10, 2),
            (11, 10),
            (12, 11),
            (20, 2),
            (30, 31),
            (31, 30),
        ]
        .map(|(child, parent)| (pid(child), pid(parent)));
        let parents = HashMap::from(parents);
        let memory = |process: Pid| process.as_raw_nonzero().get().unsigned_abs().into();
        assert_eq!(
            sums(&[pid(10), pid(20)], &parents, memory),
            [10 + 11 + 12, 20]
        );
    }

    #[test]
    fn the_largest_is_ended_once_all_are_too_large() {
        assert_eq!(to_end(&[3, 5, 2], 10), None);
        assert_eq!(to_end(&[3, 5, 3], 10), Some(1));
        assert_eq!(to_end(&[], 0), None);
    }

    #[test]
    fn memory_of_this_process_is_more_than_none() {
        let own = own_memory(rustix::process::getpid());
        assert!(own > 100 << 10, "{own}");
        assert_eq!(own_memory(pid(i32::MAX)), 0);
    }
}
