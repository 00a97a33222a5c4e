use super::*;

const SAMPLE: &str = r#"{"b":1,"a":[1.50,12345678901234567890123,{"x":"yes","y":"a: b"},[],{},[[1],["q"]]],"t":"one\ntwo\n","e":"","n":null,"u":"\u00e9\u0007"}"#;

#[test]
fn json_keeps_order_and_digits() {
    assert_eq!(
        render(r#"{"b":1.50,"a":[],"c":[1,{}]}"#, Format::Json).unwrap(),
        "{\n  \"b\": 1.50,\n  \"a\": [],\n  \"c\": [\n    1,\n    {}\n  ]\n}\n"
    );
    assert!(render("{", Format::Json).is_err());
}

#[test]
fn yaml_reads_well() {
    assert_eq!(
        render(SAMPLE, Format::Yaml).unwrap(),
        r#"b: 1
a:
  - 1.50
  - 12345678901234567890123
  - x: "yes"
    "y": "a: b"
  - []
  - {}
  - - - 1
    - - q
t: |
  one
  two
e: ""
"n": null
u: "é\u0007"
"#
    );
}

#[test]
fn yaml_reads_back_as_the_same_value() {
    let samples = [
        r##"{"a":"- x","b":"#c","c":"1e3","d":"0x1f","e":" lead","f":"trail ","g":"a\tb","h":"\ud83d\ude00","i":"~"}"##,
        r#"[["a",["b",{"c":[{"d":"x\ny"}]}]],"one\n\ntwo","\nlead\nx","x\n\n"]"#,
        r#"{"true":1,"null":2,"a b":3,"":4,"é":5,"k:":6,"2":7}"#,
        r#""text\nof two lines""#,
        r##"["2001-01-01","12:30:45","=","<<","a # b","@x","%y","&z","*w","!t","|","> ","'q'","?","- "]"##,
    ];
    for sample in samples {
        let yaml = render(sample, Format::Yaml).unwrap();
        let back: serde_json::Value =
            serde_saphyr::from_str(&yaml).unwrap_or_else(|e| panic!("{e}\n{yaml}"));
        assert_eq!(
            back,
            serde_json::from_str::<serde_json::Value>(sample).unwrap(),
            "{yaml}"
        );
    }
}
