//! A catalogue as one signed file: JSON that holds its files as one text, and an Ed25519 signature of that text.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// What a file says that it is.
const FORMAT: &str = "pictor-catalog-1";
/// What stands before a public key.
const SCHEME: &str = "ed25519:";
/// Bytes of a secret key and of a public one.
const KEY_BYTES: usize = 32;
/// Largest pack that is read. The built-in catalogue is a tenth of it.
pub(crate) const PACK_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why a pack is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Another kind of file, or a damaged one.
    #[error("it is no catalogue as 'pictor catalog pack' makes it")]
    Unreadable,
    /// The signature is not by the key, or what was signed was changed.
    #[error("its signature is not by catalog_key")]
    Signature,
    /// A public key that is none.
    #[error("catalog_key must be 'ed25519:' and the base64 of 32 bytes, as 'pictor catalog pack' prints it")]
    PublicKey,
    /// A secret key that is none.
    #[error("the key file must hold the base64 of 32 bytes, as 'pictor catalog pack' makes it")]
    SecretKey,
    /// A file that cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    payload: String,
    signature: String,
}

/// The files of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pack {
    format: String,
    /// When it was made. One that was made before the one in force is not taken.
    pub(crate) made_at: Timestamp,
    /// Text by name.
    pub(crate) files: BTreeMap<String, String>,
}

impl Pack {
    /// One of these files.
    pub(crate) fn new(files: BTreeMap<String, String>, made_at: Timestamp) -> Self {
        Self {
            format: FORMAT.to_owned(),
            made_at,
            files,
        }
    }

    /// The file that [`Self::open`] reads.
    pub(crate) fn sealed(&self, key: &SecretKey) -> String {
        let payload = serde_json::to_string(self).expect("texts can be written as JSON");
        let signature = STANDARD.encode(key.0.sign(payload.as_bytes()));
        serde_json::to_string(&Envelope { payload, signature }).expect("texts can be written as JSON")
    }

    /// Reads a file that `key` signed.
    ///
    /// # Errors
    /// [`PackError`].
    pub(crate) fn open(file: &[u8], key: &PublicKey) -> Result<Self, PackError> {
        let unreadable = |_| PackError::Unreadable;
        let envelope: Envelope = serde_json::from_slice(file).map_err(unreadable)?;
        let signature = STANDARD
            .decode(&envelope.signature)
            .map_err(|_| PackError::Unreadable)?;
        let public = UnparsedPublicKey::new(&ED25519, key.0);
        public
            .verify(envelope.payload.as_bytes(), &signature)
            .map_err(|_| PackError::Signature)?;
        let pack: Self = serde_json::from_str(&envelope.payload).map_err(unreadable)?;
        if pack.format == FORMAT {
            Ok(pack)
        } else {
            Err(PackError::Unreadable)
        }
    }
}

/// The key by which packs are believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    /// The key that a setting names.
    ///
    /// # Errors
    /// [`PackError::PublicKey`].
    pub(crate) fn parse(text: &str) -> Result<Self, PackError> {
        let encoded = text.trim().strip_prefix(SCHEME).ok_or(PackError::PublicKey)?;
        Ok(Self(bytes(encoded).ok_or(PackError::PublicKey)?))
    }
}

/// The key that signs packs.
pub(crate) struct SecretKey(Ed25519KeyPair);

impl SecretKey {
    /// The key in a file; a new one where the file does not exist, which only its owner may read.
    ///
    /// # Errors
    /// [`PackError`].
    pub(crate) fn read_or_make(path: &Path) -> Result<Self, PackError> {
        let seed = match std::fs::read_to_string(path) {
            Ok(text) => bytes(text.trim()).ok_or(PackError::SecretKey)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut seed = [0; KEY_BYTES];
                SystemRandom::new()
                    .fill(&mut seed)
                    .map_err(|_| io::Error::other("no random bytes"))?;
                crate::private::write(path, &STANDARD.encode(seed))?;
                seed
            }
            Err(error) => return Err(error.into()),
        };
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| PackError::SecretKey)?;
        Ok(Self(pair))
    }

    /// What [`PublicKey::parse`] reads.
    pub(crate) fn public(&self) -> String {
        format!("{SCHEME}{}", STANDARD.encode(self.0.public_key().as_ref()))
    }
}

fn bytes(encoded: &str) -> Option<[u8; KEY_BYTES]> {
    STANDARD.decode(encoded).ok()?.try_into().ok()
}
