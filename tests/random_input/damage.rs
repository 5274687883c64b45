//! Inputs that are made of good ones.

use bolero::TypeGenerator;

/// The most changes of one input.
const MAX_DAMAGE: usize = 6;

/// What parsers stumble over.
const WORDS: [&[u8]; 17] = [
    b"null",
    b"-1",
    b"1e400",
    b"18446744073709551616",
    b"\"\"",
    b"[]",
    b"{}",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b"[[[[",
    b"\xef\xbb\xbf",
    b"%2F",
    b"..",
    b"#",
    b"'",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
];

/// An input: one of several seeds with damage, or, once in ten times, only bytes.
#[derive(Clone, Debug, TypeGenerator)]
pub struct Input {
    choice: u16,
    damage: Vec<Damage>,
    bytes: Vec<u8>,
}

/// A change of some bytes. Places are taken modulo the length.
#[derive(Clone, Debug, TypeGenerator)]
enum Damage {
    Set(u16, u8),
    Flip(u16, u8),
    InsertWord(u16, u8),
    Insert(u16, u32),
    Remove(u16, u8),
    /// Repeats a part elsewhere.
    Copy(u16, u16, u8),
}

impl Input {
    pub fn of(&self, seeds: &[Vec<u8>]) -> Vec<u8> {
        if self.choice.is_multiple_of(10) || seeds.is_empty() {
            return self.bytes.clone();
        }
        let mut bytes = seeds[usize::from(self.choice / 10) % seeds.len()].clone();
        // Small numbers of changes are as likely as large ones.
        let changes = usize::from(self.choice) % (MAX_DAMAGE + 1);
        self.damage.iter().take(changes).for_each(|damage| damage.apply(&mut bytes));
        bytes
    }

    /// The same as text.
    pub fn text(&self, seeds: &[&str]) -> String {
        let seeds: Vec<_> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
        String::from_utf8_lossy(&self.of(&seeds)).into_owned()
    }
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        // Seeds may be longer than 64 KiB.
        let place = |at: u16| usize::from(at) * (length + 1) / (usize::from(u16::MAX) + 1);
        match *self {
            Self::Set(at, byte) if place(at) < length => bytes[place(at)] = byte,
            Self::Flip(at, bit) if place(at) < length => bytes[place(at)] ^= 1 << (bit % 8),
            Self::InsertWord(at, word) => {
                let word = WORDS[usize::from(word) % WORDS.len()];
                bytes.splice(place(at)..place(at), word.iter().copied());
            }
            Self::Insert(at, word) => {
                let word = word.to_be_bytes();
                bytes.splice(place(at)..place(at), word);
            }
            Self::Remove(at, count) => {
                bytes.drain(place(at)..(place(at) + usize::from(count % 40)).min(length));
            }
            Self::Copy(from, to, count) => {
                let part = bytes[place(from)..(place(from) + usize::from(count % 60)).min(length)].to_vec();
                bytes.splice(place(to)..place(to), part);
            }
            _ => {}
        }
    }
}
