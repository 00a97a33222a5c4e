//! The `docker` that started us: it holds a socket to its plugin open for as long as it wants it to run, and closes it instead of
//! sending a signal. So its plugin ends with it, even where it was killed.
//! Source: <https://github.com/docker/cli/blob/master/cli-plugins/socket/socket.go>

use std::ffi::OsStr;
use std::io;
use std::os::unix::net::UnixStream;

use config::Env;

/// Ends us as a signal would, once the program that started us is gone. Where there is no such socket nobody says so.
pub(crate) fn watch(env: &Env) {
    let Some(name) = env.os(config::env::DOCKER_CLI_PLUGIN_SOCKET) else {
        return;
    };
    let Ok(mut socket) = connect(&name) else {
        return;
    };
    let watching = move || {
        // Nothing is ever said; what counts is the end.
        let _end = io::copy(&mut socket, &mut io::sink());
        let own = rustix::process::getpid();
        let _sent = rustix::process::kill_process(own, server::shutdown::PARENT_GONE);
    };
    // Without it we are where plugins were before there was a socket.
    let _thread = std::thread::Builder::new()
        .name("docker".to_owned())
        .spawn(watching);
}

/// A path, or with `@` in front a name that lies in no folder.
fn connect(name: &OsStr) -> io::Result<UnixStream> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return UnixStream::connect_addr(&address);
    }
    UnixStream::connect(name)
}
