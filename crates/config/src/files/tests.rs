//! Files and folders on a real disk.
