//! What the process and its host say about themselves.

/// The name of the host; empty if the system has none.
pub(crate) fn host_name() -> String {
    #[cfg(unix)]
    {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }
    #[cfg(not(unix))]
    {
        String::new()
    }
}

/// `rq` or `celery` if a program or a command of that name is among the arguments. Values of options are not looked at:
/// they may be secrets, and are not names of programs.
pub(crate) fn service_type(arguments: &[String]) -> Option<&'static str> {
    let words =
        arguments.iter().take_while(|argument| !argument.starts_with('-') || *argument == "-m");
    words.filter(|word| *word != "-m").find_map(|word| {
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".py")).unwrap_or(name);
        match name {
            "rq" | "rqworker" => Some("rq"),
            "celery" => Some("celery"),
            _ => None,
        }
    })
}
