//! A component in ConfigMaps: compressed, and cut where it outgrows one.

use std::io::Read as _;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;

/// Bytes of one part. A ConfigMap holds 1 MiB, names and labels included.
const PART: usize = 1_000_000;
/// ConfigMaps that a component may be spread over.
pub const MAX_PARTS: usize = 16;
/// A tenth of the time of the highest level, for a twelfth more bytes.
const LEVEL: i32 = 9;

/// The key of a part as `push` writes it.
const COMPRESSED: &str = "component.wasm.zst";
/// The key that `kubectl create configmap --from-file=component.wasm` makes.
const PLAIN: &str = "component.wasm";

/// The parts of a component, compressed.
pub fn split(component: &[u8]) -> std::io::Result<Vec<Vec<u8>>> {
    let compressed = zstd::bulk::compress(component, LEVEL)?;
    Ok(compressed.chunks(PART).map(<[u8]>::to_vec).collect())
}

/// The key and value of one part.
pub fn binary_data(part: Vec<u8>) -> (String, ByteString) {
    (COMPRESSED.to_owned(), ByteString(part))
}

/// Why the ConfigMaps do not give a component.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    #[error("the ConfigMap {0} has neither component.wasm.zst nor component.wasm")]
    Empty(String),
    #[error("some parts are compressed and some are not")]
    Mixed,
    #[error("it cannot be decompressed: {0}")]
    Damaged(String),
    #[error("it has more than {0} bytes: make it smaller, or serve with a larger --max-component")]
    TooLarge(usize),
}

/// Puts the parts together again, up to `limit` bytes before and after
/// decompression.
pub fn join(parts: &[ConfigMap], limit: usize) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    let mut compressed = None;
    for part in parts {
        let name = part.metadata.name.clone().unwrap_or_default();
        let get = |key| part.binary_data.as_ref().and_then(|data| data.get(key));
        let (zst, ByteString(content)) = get(COMPRESSED)
            .map(|content| (true, content))
            .or_else(|| get(PLAIN).map(|content| (false, content)))
            .ok_or(Unreadable::Empty(name))?;
        if *compressed.get_or_insert(zst) != zst {
            return Err(Unreadable::Mixed);
        }
        bytes.extend_from_slice(content);
        if bytes.len() > limit {
            return Err(Unreadable::TooLarge(limit));
        }
    }
    if compressed == Some(true) { decompress(&bytes, limit) } else { Ok(bytes) }
}

fn decompress(bytes: &[u8], limit: usize) -> Result<Vec<u8>, Unreadable> {
    let damaged = |error: std::io::Error| Unreadable::Damaged(error.to_string());
    let decoder = zstd::Decoder::new(bytes).map_err(damaged)?;
    let mut plain = Vec::new();
    // One more than may be tells what is too large from what just fits.
    decoder.take(limit as u64 + 1).read_to_end(&mut plain).map_err(damaged)?;
    if plain.len() > limit { Err(Unreadable::TooLarge(limit)) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use proptest::prelude::*;

    fn config_map(key: &str, content: &[u8]) -> ConfigMap {
        let data = (key.to_owned(), ByteString(content.to_vec()));
        ConfigMap { binary_data: Some([data].into()), ..ConfigMap::default() }
    }

    fn config_maps(parts: &[Vec<u8>]) -> Vec<ConfigMap> {
        parts.iter().map(|part| config_map(COMPRESSED, part)).collect()
    }

    proptest! {
        #[test]
        fn what_is_split_comes_together(
            component in proptest::collection::vec(any::<u8>(), 0..5000)
        ) {
            let parts = config_maps(&split(&component).unwrap());
            prop_assert_eq!(join(&parts, 6000).unwrap(), component);
        }
    }

    #[test]
    fn a_large_component_takes_several_config_maps() {
        // Hashes of a counter don't compress.
        let noise: Vec<u8> = (0..70_000_u32)
            .flat_map(|n| Digest::of(&n.to_be_bytes()).full().into_bytes())
            .collect();
        let parts = split(&noise).unwrap();
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= PART));
        assert_eq!(join(&config_maps(&parts), noise.len()).unwrap(), noise);
    }

    #[test]
    fn what_kubectl_made_is_read_as_it_is() {
        assert_eq!(join(&[config_map(PLAIN, b"wasm")], 10).unwrap(), b"wasm");
    }

    #[test]
    fn what_cannot_be_a_component_is_refused() {
        let bomb = config_maps(&split(&vec![0; 1 << 20]).unwrap());
        assert_eq!(join(&bomb, 1000), Err(Unreadable::TooLarge(1000)));
        let long = [config_map(PLAIN, &[0; 11])];
        assert_eq!(join(&long, 10), Err(Unreadable::TooLarge(10)));
        let mixed = [config_map(PLAIN, b"a"), config_map(COMPRESSED, b"b")];
        assert_eq!(join(&mixed, 10), Err(Unreadable::Mixed));
        let other = [config_map("other", b"a")];
        assert!(matches!(join(&other, 10), Err(Unreadable::Empty(_))));
        let broken = [config_map(COMPRESSED, b"not zstd")];
        assert!(matches!(join(&broken, 10), Err(Unreadable::Damaged(_))));
        let cut = split(b"hello, component").unwrap();
        let cut = config_maps(&[cut[0][..cut[0].len() - 4].to_vec()]);
        assert!(matches!(join(&cut, 100), Err(Unreadable::Damaged(_))));
    }
}
