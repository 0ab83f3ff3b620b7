//! What can be wrong with the text of a token while the structure behind it is good: base64url that
//! is not strict, JSON that is none, one part too many, a signature that was touched. The first three
//! are wrong before they are signed, so the signature is right.

use crate::base64url;
use arbitrary::{Result, Unstructured};

/// A fault in the text, or none.
#[derive(Clone, Copy, Debug, Default)]
pub enum Spelling {
    #[default]
    Right,
    /// Padding, white space or another alphabet in the header (0) or the payload (1).
    Base64(u8, Base64),
    /// No JSON object, in the header or the payload.
    Json(u8, &'static [u8], &'static [u8]),
    /// Around the whole.
    Framing(&'static str, &'static str),
    /// Without the signature and the full stop before it.
    TwoParts,
    /// One bit of the signature.
    Bit(u8),
    /// The signature is shorter than it should be.
    Short(u8),
    /// It is longer.
    Long(u8),
    /// It is spelled in another way.
    Signature(Base64),
    /// The signature of a text that differs by one character.
    OfAnother,
}

/// What strict base64url (RFC 4648 §3.5) does not have.
#[derive(Clone, Copy, Debug)]
pub enum Base64 {
    Behind(&'static str),
    Before(&'static str),
    /// The bits that are left over in the last character; where there are none, one character more.
    StrayBits,
}

const BASE64: [Base64; 10] = [
    Base64::Behind("="),
    Base64::Behind("=="),
    Base64::Behind("\n"),
    Base64::Behind(" "),
    Base64::Behind("+"),
    Base64::Behind("/"),
    Base64::Behind("\u{e9}"),
    Base64::Before(" "),
    Base64::Before("\u{feff}"),
    Base64::StrayBits,
];
/// What stands before and behind the object.
const JSON: [(&[u8], &[u8]); 10] = [
    (b"", b"{}"),
    (b"", b"x"),
    (b"", b"\0"),
    (b"", b","),
    (b"[", b"]"),
    (b"\xef\xbb\xbf", b""),
    (b"\xff", b""),
    (b"//\n", b""),
    (b"{\"x\":\"\xff\",\"y\":", b"}"),
    (b"\"", b"\""),
];
const FRAMING: [(&str, &str); 9] = [
    ("", "."),
    ("", ".x"),
    (".", ""),
    (" ", ""),
    ("", " "),
    ("", "\n"),
    ("Bearer ", ""),
    ("", "\0"),
    ("\u{feff}", ""),
];

impl Spelling {
    pub fn arbitrary(bytes: &mut Unstructured<'_>) -> Result<Self> {
        let part = bytes.arbitrary::<u8>()? % 2;
        Ok(match bytes.arbitrary::<u8>()? % 9 {
            0 => Self::Base64(part, *bytes.choose(&BASE64)?),
            1 => {
                let (before, behind) = bytes.choose(&JSON)?;
                Self::Json(part, before, behind)
            }
            2 => {
                let (before, behind) = bytes.choose(&FRAMING)?;
                Self::Framing(before, behind)
            }
            3 => Self::TwoParts,
            4 => Self::Short(bytes.arbitrary()?),
            5 => Self::Long(bytes.arbitrary()?),
            6 => Self::Signature(*bytes.choose(&BASE64)?),
            7 => Self::OfAnother,
            _ => Self::Bit(bytes.arbitrary()?),
        })
    }

    /// Whether no strict reader takes the text.
    pub fn breaks(self) -> bool {
        matches!(
            self,
            Self::Base64(..) | Self::Json(..) | Self::Framing(..) | Self::TwoParts | Self::Signature(_)
        )
    }

    /// Whether the signature is another.
    pub fn forges(self) -> bool {
        matches!(self, Self::Bit(_) | Self::Short(_) | Self::Long(_) | Self::OfAnother)
    }

    /// The text of a token of these two objects.
    pub fn token(
        self,
        mut header: Vec<u8>,
        mut payload: Vec<u8>,
        sign: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Vec<u8> {
        if let Self::Json(part, before, behind) = self {
            let object = if part == 0 { &mut header } else { &mut payload };
            *object = [before, &**object, behind].concat();
        }
        let [mut header, mut payload] = [header, payload].map(|object| base64url(&object));
        if let Self::Base64(part, fault) = self {
            let text = if part == 0 { &mut header } else { &mut payload };
            fault.commit(text);
        }
        let mut token = format!("{header}.{payload}").into_bytes();
        let mut signature = match self {
            Self::OfAnother => sign(&[&token[..], b"A"].concat()),
            _ => sign(&token),
        };
        if matches!(self, Self::TwoParts) {
            return token;
        }
        let length = signature.len();
        match self {
            Self::Bit(at) if length > 0 => signature[usize::from(at) / 8 % length] ^= 1 << (at % 8),
            Self::Short(by) => signature.truncate(length.saturating_sub(1 + usize::from(by))),
            Self::Long(with) => signature.push(with),
            _ => {}
        }
        let mut signature = base64url(&signature);
        if let Self::Signature(fault) = self {
            fault.commit(&mut signature);
        }
        token.push(b'.');
        token.extend_from_slice(signature.as_bytes());
        match self {
            Self::Framing(before, behind) => [before.as_bytes(), &token, behind.as_bytes()].concat(),
            _ => token,
        }
    }
}

impl Base64 {
    fn commit(self, text: &mut String) {
        match self {
            Self::Behind(char) => text.push_str(char),
            Self::Before(char) => text.insert_str(0, char),
            Self::StrayBits => match (text.len() % 4, text.pop()) {
                // The last character has bits over; after `A`, `Q`, `g` and `w` (or every fourth) comes one
                // that differs in the last of them alone.
                (2 | 3, Some(last)) => text.push(char::from(last as u8 + 1)),
                (_, last) => text.extend(last.into_iter().chain(['A'])),
            },
        }
    }
}
