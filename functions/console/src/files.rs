//! The embedded files. `build.rs` collects and compresses them.

/// A file of the page.
pub struct File {
    /// Its path below `assets/`.
    pub name: &'static str,
    /// The hash of its content.
    pub hash: &'static str,
    pub plain: &'static [u8],
    pub gzip: &'static [u8],
    pub brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The page itself.
pub const PAGE: &str = "index.html";

impl File {
    pub fn find(name: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.name == name)
    }

    /// The content type of the name's extension. `None` if the page cannot have such files.
    pub fn content_type(&self) -> Option<&'static str> {
        let (_, extension) = self.name.rsplit_once('.')?;
        Some(match extension {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            "txt" => "text/plain; charset=utf-8",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// The maximum size of the whole console, compressed with gzip, in bytes.
    const BUDGET: usize = 90 * 1024;

    #[test]
    fn all_files_together_stay_within_the_budget() {
        let total: usize = FILES.iter().map(|file| file.gzip.len()).sum();
        assert!(total < BUDGET, "{total} bytes of gzip");
        assert!(FILES.iter().map(|file| file.brotli.len()).sum::<usize>() < total);
    }

    #[test]
    fn compressed_files_unpack_to_what_they_were() {
        for file in FILES {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(file.gzip).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, file.plain, "{}", file.name);
            unpacked.clear();
            brotli::Decompressor::new(file.brotli, 4096).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, file.plain, "{}", file.name);
        }
    }

    #[test]
    fn every_file_has_a_content_type_and_none_loads_anything_from_elsewhere() {
        for file in FILES {
            assert!(file.content_type().is_some(), "{}", file.name);
            let text = std::str::from_utf8(file.plain).unwrap();
            let is_own = !file.name.starts_with("vendor/");
            let loads = ["src=\"http", "href=\"http", "url(", "@import", "from \"http", "import(\"http"];
            assert!(!is_own || !loads.iter().any(|load| text.contains(load)), "{}", file.name);
        }
    }
}
