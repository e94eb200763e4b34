//! The public vectors of cacophony (https://github.com/haskell-cryptography/cacophony) for the two patterns.

pub(super) struct Vector {
    pub(super) name: &'static str,
    pub(super) psk: Option<&'static str>,
    pub(super) node: Option<[&'static str; 2]>,
    /// Payload and ciphertext, from either side in turn.
    pub(super) messages: [[&'static str; 2]; 6],
}

pub(super) const PROLOGUE: &str = "4a6f686e2047616c74";
pub(super) const EPHEMERALS: [&str; 2] = [
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
];

pub(super) const VECTORS: [Vector; 2] = [
    Vector {
        name: "Noise_NK_25519_AESGCM_SHA256",
        psk: None,
        node: Some([
            "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
            "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62",
        ]),
        messages: [
            [
                "4c756477696720766f6e204d69736573",
                "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944\
                 75ab4d66d222457dd414bc5f296bc7b4078cc7d72af5192628b68bca7d28844b",
            ],
            [
                "4d757272617920526f746862617264",
                "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843\
                 03c7d89310502baa8299520ba451624c3c0492e2698f8d457c32400b91fd8a",
            ],
            [
                "462e20412e20486179656b",
                "304f70c37c93573099228016d54cb15213af94eb598d1b17df1153",
            ],
            [
                "4361726c204d656e676572",
                "a1bf6c954529f29b31d8ae9f67d2c18dbd332aa1a0918690c6d80b",
            ],
            [
                "4a65616e2d426170746973746520536179",
                "2e8f3e51888360b2b2d83a64dde9943c7dd3c5e84ac7c4b4e2d5cfc025b6c854d3",
            ],
            [
                "457567656e2042f6686d20766f6e2042617765726b",
                "8498bf41212a8b87c9eeb408274c75b3558fd0530865b5a7932d4b3af812d85b3df27e6f33",
            ],
        ],
    },
    Vector {
        name: "Noise_NNpsk0_25519_AESGCM_SHA256",
        psk: Some("54686973206973206d7920417573747269616e20706572737065637469766521"),
        node: None,
        messages: [
            [
                "4c756477696720766f6e204d69736573",
                "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944\
                 7c37a89fc17813788d30df2d59501d6066f5f8aecc3406bbd9829f2d24a531b1",
            ],
            [
                "4d757272617920526f746862617264",
                "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843\
                 2f29d79368ef9de4e1ae7a362fb05bf0ad668e026bf5714554497b3a720461",
            ],
            [
                "462e20412e20486179656b",
                "7c01e898a6201f36aecee532e29cd0b7f8ffa29d3366ad0dce39a6",
            ],
            [
                "4361726c204d656e676572",
                "a9ff535aace3db6a1da1a7fb00fe2de2622bb373abad9fb42c00e0",
            ],
            [
                "4a65616e2d426170746973746520536179",
                "6cfc49a3e65472edc2d0152abe5ce950170a8a47c959f30bd48b5f0aacf29adbfd",
            ],
            [
                "457567656e2042f6686d20766f6e2042617765726b",
                "9bc86e6d974ed21ba04604a94aa68de21677eb409ead070c0cd569b069ee19ba142aa4c1a9",
            ],
        ],
    },
];
