//! Algorithms that servers and clients take, and nothing else: the one list of them.
//!
//! | for | taken | why |
//! |---|---|---|
//! | key exchange | ML-KEM 768 with X25519; X25519 (RFC 8731); groups 16 and 18 of RFC 8268, and 14 with SHA-256 | safe also against recorded traffic that is decrypted later; curves for all clients of ten years; groups for those without |
//! | host keys, users' keys | Ed25519, ECDSA of the NIST curves, RSA with SHA-2 (RFC 8332) | `ssh-rsa` signs with SHA-1, which is broken |
//! | ciphers | ChaCha20-Poly1305, AES-GCM, AES-CTR (RFC 4344) | CBC leaks plaintext (CVE-2008-5161) |
//! | MAC, with CTR alone | HMAC of SHA-2, encrypt-then-MAC first | SHA-1 is left out |
//! | compression | none | what is compressed before it is encrypted tells of its content by its length, and a small packet may unpack to a large one |

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, compression, kex, mac};

const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::DH_G18_SHA512,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
];

/// Extensions that a side of the handshake offers (RFC 8308), the second one against its truncation (CVE-2023-48795).
const OF_SERVERS: [kex::Name; 2] = [kex::EXTENSION_SUPPORT_AS_SERVER, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER];
const OF_CLIENTS: [kex::Name; 2] = [kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT];

const KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

const CIPHERS: &[cipher::Name] = &[
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

const MACS: &[mac::Name] = &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM, mac::HMAC_SHA512, mac::HMAC_SHA256];

/// Returns the algorithms that servers offer, the preferred ones first.
pub(crate) fn of_servers() -> Preferred {
    preferred(OF_SERVERS)
}

/// Returns the algorithms that clients offer, the preferred ones first.
pub(crate) fn of_clients() -> Preferred {
    preferred(OF_CLIENTS)
}

fn preferred(extensions: [kex::Name; 2]) -> Preferred {
    Preferred {
        kex: Cow::Owned([KEX, &extensions].concat()),
        key: Cow::Borrowed(KEYS),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Borrowed(CIPHERS),
        mac: Cow::Borrowed(MACS),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

/// Returns true if a user's key may sign with this algorithm.
pub(crate) fn may_sign(algorithm: &Algorithm) -> bool {
    KEYS.contains(algorithm)
}
