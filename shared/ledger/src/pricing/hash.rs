//! The hash of the compiled tables of names: FNV-1a over the bytes in lower case. Names come from a public list and
//! the table is fixed when the program is built, so nobody can make it degenerate.

/// A hash in the making.
#[derive(Clone, Copy, Debug)]
pub struct Hash(u64);

impl Hash {
    /// Starts with the scope of the name: names of different providers are different names.
    pub fn new(scope: u32) -> Self {
        scope.to_le_bytes().into_iter().fold(Self(0xcbf2_9ce4_8422_2325), Self::byte)
    }

    fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Adds a part of the name.
    pub fn write(&mut self, text: &str) {
        *self = text.bytes().fold(*self, |hash, byte| hash.byte(byte.to_ascii_lowercase()));
    }

    /// The first slot to look into, of `capacity`, which is a power of two.
    pub fn slot(self, capacity: usize) -> usize {
        // The low bits of FNV-1a mix badly; fold the high ones in.
        let mixed = self.0 ^ self.0 >> 32;
        usize::try_from(mixed & 0xffff_ffff).unwrap_or(0) & (capacity - 1)
    }
}
