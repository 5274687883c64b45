//! Chooses the encoding in which a file is sent.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use crate::files::File;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Gzip,
    Brotli,
}

impl Encoding {
    /// The smallest encoding that the client accepts. A client that accepts none gets the file uncompressed.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let accepts = |name: &str| {
            let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|one| is_accepted(one, name))
        };
        [Self::Brotli, Self::Gzip]
            .into_iter()
            .find(|one| one.name().is_some_and(accepts))
            .unwrap_or(Self::Plain)
    }

    /// Its name in `Content-Encoding`.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    pub const fn content(self, file: &File) -> &'static [u8] {
        match self {
            Self::Plain => file.plain,
            Self::Gzip => file.gzip,
            Self::Brotli => file.brotli,
        }
    }
}

/// Whether `offer`, such as `gzip;q=0.5`, is `name` with a weight above 0.
fn is_accepted(offer: &str, name: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    let is_named = parts.next().is_some_and(|given| given.eq_ignore_ascii_case(name));
    let weight = parts.find_map(|part| part.strip_prefix("q="));
    is_named && weight.is_none_or(|weight| weight.chars().any(|digit| ('1'..='9').contains(&digit)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_smallest_accepted_encoding_is_chosen() {
        for (accept, expected) in [
            (None, Encoding::Plain),
            (Some(""), Encoding::Plain),
            (Some("identity"), Encoding::Plain),
            (Some("gzip"), Encoding::Gzip),
            (Some("gzip, deflate, br, zstd"), Encoding::Brotli),
            (Some("GZIP;q=0.5"), Encoding::Gzip),
            (Some("br;q=0, gzip;q=1.0"), Encoding::Gzip),
            (Some("br; q=0.000, gzip; q=0"), Encoding::Plain),
            (Some("brotli"), Encoding::Plain),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
            }
            assert_eq!(Encoding::accepted(&headers), expected, "{accept:?}");
        }
    }
}
