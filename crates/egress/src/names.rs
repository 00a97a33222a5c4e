//! The names that are known in a box, each with an address there that stands for it. What connects to it is connected to the
//! host of that name, from outside.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::limits::NAMES_MAX;

/// See the module.
#[derive(Debug)]
pub(crate) struct Names {
    /// The first address that is given out is the one after this.
    before: u32,
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    pub(crate) fn new(before: Ipv4Addr) -> Self {
        Self {
            before: before.into(),
            numbers: HashMap::new(),
            names: Vec::new(),
        }
    }

    /// The address that stands for a host; `None`: there are too many already.
    pub(crate) fn address(&mut self, host: &str) -> Option<Ipv4Addr> {
        let number = match self.numbers.get(host) {
            Some(number) => *number,
            None if self.names.len() >= NAMES_MAX => return None,
            None => {
                self.names.push(host.to_owned());
                let number = self.names.len() as u32;
                self.numbers.insert(host.to_owned(), number);
                number
            }
        };
        Some(Ipv4Addr::from(self.before + number))
    }

    /// The host that an address stands for.
    pub(crate) fn host(&self, address: IpAddr) -> Option<&str> {
        let IpAddr::V4(address) = address else {
            return None;
        };
        let number = u32::from(address).checked_sub(self.before + 1)?;
        self.names.get(number as usize).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_one_address_and_there_are_not_too_many() {
        let mut names = Names::new(Ipv4Addr::new(127, 64, 0, 0));
        let first = names.address("a.example").unwrap();
        assert_eq!(first, Ipv4Addr::new(127, 64, 0, 1));
        assert_eq!(names.address("a.example"), Some(first));
        for n in 1..NAMES_MAX {
            let name = format!("{n}.example");
            let address = names.address(&name).unwrap();
            assert!(address.is_loopback());
            assert_eq!(names.host(address.into()), Some(&*name));
        }
        assert_eq!(names.address("one.more"), None);
        assert_eq!(names.address("a.example"), Some(first));
        for unknown in [
            "127.0.0.1",
            "127.64.0.0",
            "127.64.16.1",
            "10.0.0.1",
            "255.255.255.255",
            "::1",
        ] {
            assert_eq!(names.host(unknown.parse().unwrap()), None, "{unknown}");
        }
    }
}
