//! Portolan's own files, environment and directories
