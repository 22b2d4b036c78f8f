//! In: a seed. Out: random sed and awk programs that run only `foo`, and write and read only a few names.
//! Not here: what is done with them (`programs_real.rs`).

use crate::random::Random;

/// Writes random programs.
pub struct Writer {
    dice: Random,
}

const SED_REGEX: &[&str] = &[
    "a",
    "x*",
    "[/]",
    "[^/]*",
    "\\/",
    "[]/]",
    "[[:alpha:]/]",
    "[a\\]",
    "[\\/]",
    "^",
    "$",
    ".",
    "w",
    "\\n",
    "[[.a.]]",
    "b",
    "",
    "\\[",
    "[;}]",
    "[a\\]/]",
    "#",
    "e",
];
const SED_TEXT: &[&str] = &[
    "x", "&", "\\1", "\\/", "w out1", "e foo b", "[/", "\\\n", "]", "\\&", "", ";w out2", "}", "foo c", "#",
];
const MARKS: &[&str] = &[
    "/", "\\", "[", "]", ";", "}", "{", " ", "\n", "#", "w", "e", "s", "y", "a", "b", "i", "x", ":", "!",
    ",", "1", "$", "&", "^", "\"", "(", ")", "|", ">", "<", "=", "+", "-", "\\\n", "\t", "p", "t", "~", "0",
];

impl Writer {
    pub fn new(seed: u64) -> Self {
        Self { dice: Random(seed) }
    }

    fn some(&mut self, from: &[&str], most: usize) -> String {
        (0..self.dice.below(most + 1)).map(|_| self.dice.word(from)).collect()
    }

    /// Changes a few characters in some programs.
    fn changed(&mut self, program: String) -> String {
        let mut characters: Vec<String> = program.chars().map(String::from).collect();
        if self.dice.chance(40) {
            for _ in 0..1 + self.dice.below(3) {
                let at = self.dice.below(characters.len() + 1);
                if self.dice.chance(60) || at == characters.len() {
                    let mark = self.dice.word(MARKS).to_owned();
                    characters.insert(at, mark);
                } else {
                    characters.remove(at);
                }
            }
        }
        // No name must lead out of the directory.
        characters.concat()
    }

    /// A sed program.
    pub fn sed(&mut self) -> String {
        let mut program = String::new();
        for _ in 0..1 + self.dice.below(4) {
            program += &self.sed_command(2);
            program += self.dice.word(&[
                ";",
                "\n",
                "; ",
                " ; ",
                "\n",
                " ",
                ";;",
                "\n# x\n",
                "",
                " #w out1\n",
                "\\\n",
            ]);
        }
        self.changed(program)
    }

    fn sed_address(&mut self) -> String {
        match self.dice.below(10) {
            0 => "1".into(),
            1 => "$".into(),
            2 => "2,3".into(),
            3 => "0~2".into(),
            4 | 5 => {
                let regex = self.some(SED_REGEX, 2);
                format!("/{regex}/{}", self.dice.word(&["", "", "I", "M", "!", ",$", ",+1", ",/b/"]))
            }
            6 => {
                let regex = self.some(SED_REGEX, 2);
                let mark = self.dice.word(&["x", ",", "w", "|", "e", "\""]);
                format!("\\{mark}{regex}{mark}")
            }
            7 => "0,/b/".into(),
            _ => String::new(),
        }
    }

    fn sed_command(&mut self, depth: usize) -> String {
        let address = self.sed_address() + self.dice.word(&["", "", "", " ", "!", "! "]);
        let command = match self.dice.below(26) {
            0..=7 => {
                let mark = self.dice.word(&["/", "/", "/", "|", ",", "w", "e", ":", "#", ";", "\""]);
                let (regex, text) = (self.some(SED_REGEX, 3), self.some(SED_TEXT, 2));
                let flags = self.dice.word(&[
                    "", "", "g", "p", "2", "I", "gI", "m", "w out1", "e", "gw out2", "ge", "M", "w in1", " ",
                    "}",
                ]);
                format!("s{mark}{regex}{mark}{text}{mark}{flags}")
            }
            8 => {
                let mark = self.dice.word(&["/", "|", "w"]);
                format!(
                    "y{mark}{}{mark}{}{mark}",
                    self.dice.word(&["a", "[/", "\\/", "ab", "["]),
                    self.dice.word(&["x", "]/", "\\/", "xy"])
                )
            }
            9 | 10 => {
                let name = self.dice.word(&["a", "i", "c"]);
                let glue = self.dice.word(&["\\\n", " ", "\\", "", "\n", "\\ \n"]);
                let text =
                    self.some(&["x", "\\", "\\\n", "w out1", "\n", "}", "e foo a", "\\\\", ";", "\\\\\n"], 4);
                format!("{name}{glue}{text}")
            }
            11 => format!(
                "{}{}",
                self.dice.word(&[
                    "w out1",
                    "w  out2",
                    "wout3",
                    "W out1",
                    "w /dev/stdout",
                    "w out1\\",
                    "w out1;p",
                    "w out2}"
                ]),
                ""
            ),
            12 => self
                .dice
                .word(&["r in1", "R in2", "rin1", "r in1;p", "r in2}", "r /dev/stdin", "r in1\\"])
                .into(),
            13 => self
                .dice
                .word(&["e", "e foo a", "efoo b c", "e foo a;p", "e foo 'x y'", "e foo \\n", "e foo a}"])
                .into(),
            14 => format!(
                "{}{}",
                self.dice.word(&[":", ": ", "b", "t", "T", "b ", "t "]),
                self.dice.word(&[
                    "x",
                    "x;w out1",
                    "x w out1",
                    "x}",
                    "",
                    "x;a\\\nw out2",
                    "x\\\nw out1",
                    "x}w out1"
                ])
            ),
            15 | 16 if depth > 0 => {
                let inner = self.sed_command(depth - 1);
                let more = self.sed_command(depth - 1);
                format!(
                    "{{{inner}{}{more}{}",
                    self.dice.word(&[";", "\n", " ", ""]),
                    self.dice.word(&["}", "\n}", ";}"])
                )
            }
            17 => self.dice.word(&["q", "q5", "Q", "l", "l 5", "L", "q 3"]).into(),
            18 => self.dice.word(&["v", "v 4.2", "v w out1", "F", "z", "#n", "# x\\"]).into(),
            _ => {
                self.dice.word(&["p", "d", "D", "g", "G", "h", "H", "n", "N", "P", "x", "=", "d", "p"]).into()
            }
        };
        address + &command
    }

    /// An awk program.
    pub fn awk(&mut self) -> String {
        let mut program = String::new();
        for _ in 0..1 + self.dice.below(3) {
            let pattern = match self.dice.below(6) {
                0 => "BEGIN".into(),
                1 => "END".into(),
                2 => self.awk_expression(2),
                _ => String::new(),
            };
            let separator = self.dice.word(&["; ", "\n", ";", " ;\n", " # > \"out1\"\n"]);
            let body: Vec<String> = (0..1 + self.dice.below(3)).map(|_| self.awk_statement(2)).collect();
            program += &format!("{pattern}{{{}}}", body.join(separator));
            program += self.dice.word(&["\n", " ", ";"]);
        }
        self.changed(program)
    }

    fn awk_string(&mut self) -> &'static str {
        self.dice.word(&[
            "\"out1\"",
            "\"out2\"",
            "\"foo a\"",
            "\"foo b c\"",
            "\"in1\"",
            "\"in2\"",
            "\"x > y\"",
            "\"a|b\"",
            "\"\\\"\"",
            "\"/\"",
            "\"\\\\\"",
            "\"o\\165t1\"",
            "\"#\"",
            "\"foo 'x y'\"",
            "\"\\/\"",
            "\"[\"",
            "\"a\\\nb\"",
        ])
    }

    fn awk_expression(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        if depth == 0 {
            return match self.dice.below(8) {
                0 => self.awk_string().into(),
                1 => "$1".into(),
                2 => "x".into(),
                3 => "length".into(),
                4 => self
                    .dice
                    .word(&[
                        "/a/", "/[/]/", "/a|b/", "/>/", "/\\//", "/\"/", "/[\"]/", "/[\\]/]/", "/[^/]*/",
                        "/=/",
                    ])
                    .into(),
                5 => "NF".into(),
                6 => "x++".into(),
                _ => "1".into(),
            };
        }
        match self.dice.below(18) {
            0 => format!("{} > {}", self.awk_expression(d), self.awk_expression(d)),
            1 => format!("({})", self.awk_expression(d)),
            2 => format!("{} / {}", self.awk_expression(d), self.awk_expression(d)),
            3 => format!("{} {}", self.awk_expression(d), self.awk_expression(d)),
            4 => format!("{} < {}", self.awk_expression(d), self.awk_expression(d)),
            5 => format!(
                "{} ? {} : {}",
                self.awk_expression(d),
                self.awk_expression(d),
                self.awk_expression(d)
            ),
            6 => format!("{} | getline", self.awk_string()),
            7 => format!("getline {}< {}", self.dice.word(&["", "x ", "$1 ", "a[1>2] "]), self.awk_string()),
            8 => format!("a[{}]", self.awk_expression(d)),
            9 => format!("system({})", self.awk_expression(d)),
            10 => format!("x = {}", self.awk_expression(d)),
            11 => format!(
                "{} {} {}",
                self.awk_expression(d),
                self.dice.word(&["||", "&&", "~", "==", ">=", "&&\n", "||\n"]),
                self.awk_expression(d)
            ),
            12 => format!("substr({}, 1)", self.awk_expression(d)),
            13 => format!("({} | getline {})", self.awk_string(), self.dice.word(&["", "x", "$0"])),
            14 => format!("{}{}", self.dice.word(&["!", "-", "x ", "x = ", "$"]), self.awk_expression(d)),
            _ => self.awk_expression(0),
        }
    }

    fn awk_statement(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        let list = |writer: &mut Self| {
            let glue = writer.dice.word(&[", ", ",\n", ","]);
            let items: Vec<String> =
                (0..1 + writer.dice.below(2)).map(|_| writer.awk_expression(d)).collect();
            items.join(glue)
        };
        match self.dice.below(16) {
            0..=4 => {
                let items = list(self);
                let items = if self.dice.chance(30) { format!("({items})") } else { items };
                let name = self.dice.word(&["print ", "printf ", "print", "print  "]);
                let target = match self.dice.below(6) {
                    0 => format!(" > {}", self.awk_string()),
                    1 => format!(">>{}", self.awk_string()),
                    2 => format!(" | {}", self.awk_string()),
                    3 => format!(" > {}", self.awk_expression(1)),
                    _ => String::new(),
                };
                format!("{name}{items}{target}")
            }
            5 if depth > 0 => {
                let then = self.awk_statement(d);
                format!(
                    "if ({}){}{then}{}",
                    self.awk_expression(d),
                    self.dice.word(&[" ", "\n", ""]),
                    self.dice.word(&["", "; else print", "\nelse x++"])
                )
            }
            6 if depth > 0 => {
                format!("while (i++ < 2){}{}", self.dice.word(&[" ", "\n"]), self.awk_statement(d))
            }
            7 if depth > 0 => format!("for (k in a) {}", self.awk_statement(d)),
            8 if depth > 0 => format!("{{ {} }}", self.awk_statement(d)),
            9 => format!("system({})", self.awk_string()),
            10 => format!("{} | getline{}", self.awk_string(), self.dice.word(&["", " x", " > 0"])),
            11 => format!("close({})", self.awk_string()),
            12 => "next".into(),
            _ => self.awk_expression(2),
        }
    }
}
