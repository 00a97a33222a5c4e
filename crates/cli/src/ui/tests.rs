use super::*;

const PLAIN: Stream = Stream {
    terminal: false,
    colour: false,
    columns: None,
};
const TERMINAL: Stream = Stream {
    terminal: true,
    colour: true,
    columns: Some(30),
};

#[test]
fn labels_are_invisible_without_colour() {
    let line = Line::new().put(Label::Error, "error:").text(" no");
    assert_eq!(line.render(PLAIN), "error: no");
    assert_eq!(line.render(TERMINAL), "\u{1b}[1;31merror:\u{1b}[0m no");
}

#[test]
fn a_server_cannot_write_to_the_terminal() {
    let line = Line::new().text("a\u{1b}[2Jb\nc");
    assert_eq!(line.render(TERMINAL), "a\\u{1b}[2Jb\\nc");
    assert_eq!(line.render(PLAIN), "a\u{1b}[2Jb\nc");
    assert_eq!(clean("x\u{202e}y\n", true), "x\\u{202e}y\n");
}

#[test]
fn tables_align_and_cut_the_last_column() {
    let mut table = Table::new(&["name", "what it does"]);
    table.row([
        (Label::Name, "echo".into()),
        (Label::Plain, "says the same again\nand again".into()),
    ]);
    table.row([(Label::Name, "日本".into()), (Label::Plain, "x".into())]);
    let show = |columns| {
        table
            .lines(columns)
            .iter()
            .map(|l| l.render(PLAIN))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        show(None),
        "name  what it does\necho  says the same again and again\n日本  x"
    );
    assert_eq!(
        show(Some(24)),
        "name  what it does\necho  says the same aga…\n日本  x"
    );
}

#[test]
fn colour_follows_the_environment() {
    let new = |colour, around: Terminal| Ui::new(Format::Human, colour, &around).out.colour;
    let force = Terminal {
        force_color: true,
        ..Terminal::default()
    };
    let both = Terminal {
        no_color: true,
        force_color: true,
        ..Terminal::default()
    };
    assert!(new(Colour::Auto, force));
    assert!(!new(Colour::Auto, both.clone()));
    assert!(new(Colour::Always, both.clone()));
    assert!(!new(Colour::Never, both));
}
