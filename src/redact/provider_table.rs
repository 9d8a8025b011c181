//! Literal prefixes of provider tokens: alphabet and length of what follows.

use std::borrow::Cow;

use super::bytes::ByteSet;

/// A token that starts with a fixed literal.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    /// The literal; case matters.
    pub(crate) literal: Cow<'static, [u8]>,
    /// What the body may consist of.
    pub(crate) alphabet: ByteSet,
    /// Fewest bytes of body.
    pub(crate) body_min: u16,
    /// Most bytes of body.
    pub(crate) body_max: u16,
    /// What else is asked, and what goes.
    pub(crate) how: How,
}

/// What is asked of a body besides alphabet and length, and what goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Literal and body go.
    Whole,
    /// Literal and body go; a body without a digit is a word, not a token.
    Digit,
    /// The body goes, the literal stays.
    Body,
    /// An address: it goes with the scheme before it.
    Url,
}

const WHOLE: How = How::Whole;
const DIGIT: How = How::Digit;
const BODY: How = How::Body;
const ADDRESS: How = How::Url;

const ALNUM: ByteSet = ByteSet::of(b"A-Za-z0-9");
const WORD: ByteSet = ByteSet::of(b"A-Za-z0-9_");
const URL: ByteSet = ByteSet::of(b"A-Za-z0-9_\\-");
const HEX: ByteSet = ByteSet::of(b"a-f0-9");
const HEXI: ByteSet = ByteSet::of(b"A-Fa-f0-9");
const UPPER: ByteSet = ByteSet::of(b"A-Z0-9");
const LOWER: ByteSet = ByteSet::of(b"a-z0-9");
const B64: ByteSet = ByteSet::of(b"A-Za-z0-9+/=");
const URLDOT: ByteSet = ByteSet::of(b"A-Za-z0-9_\\-.");
const HEXDASH: ByteSet = ByteSet::of(b"a-f0-9\\-");
const URLEQ: ByteSet = ByteSet::of(b"A-Za-z0-9_\\-=");

const fn t(
    literal: &'static [u8],
    alphabet: ByteSet,
    body_min: u16,
    body_max: u16,
    how: How,
) -> Provider {
    Provider { literal: Cow::Borrowed(literal), alphabet, body_min, body_max, how }
}

/// The built-in table, in byte order of the literals.
#[rustfmt::skip]
pub(crate) const PROVIDERS: &[Provider] = &[
    t(b"1//0", URL, 35, 120, WHOLE),
    t(b"A3-", ByteSet::of(b"A-Z0-9\\-"), 30, 40, WHOLE),
    t(b"A3T", UPPER, 17, 17, WHOLE),
    t(b"ABIA", UPPER, 16, 16, WHOLE),
    t(b"ABSK", B64, 109, 300, WHOLE),
    t(b"AC", HEX, 32, 32, DIGIT),
    t(b"ACCA", UPPER, 16, 16, WHOLE),
    t(b"AGE-SECRET-KEY-1", UPPER, 58, 58, WHOLE),
    t(b"AIDA", UPPER, 16, 16, WHOLE),
    t(b"AIza", URL, 35, 35, WHOLE),
    t(b"AKCp", ALNUM, 69, 69, WHOLE),
    t(b"AKIA", UPPER, 16, 16, WHOLE),
    t(b"AQAAA", B64, 60, 300, WHOLE),
    t(b"AQE", ByteSet::of(b"A-Za-z0-9+/=_\\-"), 40, 300, DIGIT),
    t(b"AROA", UPPER, 16, 16, WHOLE),
    t(b"ASIA", UPPER, 16, 16, WHOLE),
    t(b"ATATT3", URLEQ, 150, 250, WHOLE),
    t(b"ATBB", ALNUM, 24, 40, WHOLE),
    t(b"ATCTT3xFf", URLEQ, 150, 250, WHOLE),
    t(b"CCIPAT_", WORD, 40, 80, WHOLE),
    t(b"CFPAT-", URL, 40, 48, WHOLE),
    t(b"CLOJARS_", LOWER, 60, 60, WHOLE),
    t(b"EAAA", URL, 56, 64, WHOLE),
    t(b"EAAC", ALNUM, 100, 300, WHOLE),
    t(b"EAACEdEose0cBA", ALNUM, 20, 300, WHOLE),
    t(b"EAAJ", ALNUM, 100, 300, WHOLE),
    t(b"EAAM", ALNUM, 100, 300, WHOLE),
    t(b"EZAK", ALNUM, 54, 54, WHOLE),
    t(b"EZTK", ALNUM, 54, 54, WHOLE),
    t(b"FLWPUBK_TEST-", ByteSet::of(b"A-Za-z0-9\\-"), 20, 60, WHOLE),
    t(b"FLWSECK-", ByteSet::of(b"A-Za-z0-9\\-"), 20, 60, WHOLE),
    t(b"FLWSECK_TEST-", HEX, 12, 40, WHOLE),
    t(b"GOCSPX-", URL, 20, 40, WHOLE),
    t(b"GR1348941", URL, 20, 40, WHOLE),
    t(b"HRKU-AA", URL, 58, 58, WHOLE),
    t(b"LTAI", ALNUM, 16, 22, WHOLE),
    t(b"NF-", ALNUM, 32, 32, WHOLE),
    t(b"NRAA-", HEX, 27, 27, WHOLE),
    t(b"NRAK-", UPPER, 27, 27, WHOLE),
    t(b"NRII-", URL, 32, 32, WHOLE),
    t(b"NRJS-", HEX, 19, 19, WHOLE),
    t(b"PMAK-", ByteSet::of(b"A-Fa-f0-9\\-"), 59, 59, WHOLE),
    t(b"PMAT-", UPPER, 26, 26, WHOLE),
    t(b"PRIVATE-KEY-", ALNUM, 20, 80, WHOLE),
    t(b"SG.", URLDOT, 60, 80, WHOLE),
    t(b"SK", HEX, 32, 32, DIGIT),
    t(b"_gitlab_session=", HEX, 32, 32, BODY),
    t(b"access-development-", HEXDASH, 36, 36, WHOLE),
    t(b"access-production-", HEXDASH, 36, 36, WHOLE),
    t(b"access-sandbox-", HEXDASH, 36, 36, WHOLE),
    t(b"aio_", ALNUM, 28, 32, WHOLE),
    t(b"amzn.mws.", HEXDASH, 36, 36, WHOLE),
    t(b"api_org_", ALNUM, 30, 40, WHOLE),
    t(b"apify_api_", ALNUM, 30, 44, WHOLE),
    t(b"bedrock-api-key-", B64, 20, 4000, WHOLE),
    t(b"bkua_", HEX, 40, 40, WHOLE),
    t(b"cio", ALNUM, 32, 32, DIGIT),
    t(b"cloudinary://", ByteSet::of(b"A-Za-z0-9:_@\\-"), 30, 90, WHOLE),
    t(b"cmVmdGtuO", ALNUM, 55, 60, WHOLE),
    t(b"dapi", HEX, 32, 34, DIGIT),
    t(b"dckr_oat_", URL, 20, 40, WHOLE),
    t(b"dckr_pat_", URL, 20, 40, WHOLE),
    t(b"ddapp_", ALNUM, 30, 40, WHOLE),
    t(b"dnkey-", URL, 60, 90, WHOLE),
    t(b"doo_v1_", HEX, 64, 64, WHOLE),
    t(b"dop_v1_", HEX, 64, 64, WHOLE),
    t(b"dor_v1_", HEX, 64, 64, WHOLE),
    t(b"dp.audit.", ALNUM, 40, 48, WHOLE),
    t(b"dp.ct.", ALNUM, 40, 48, WHOLE),
    t(b"dp.pt.", ALNUM, 40, 48, WHOLE),
    t(b"dp.sa.", ALNUM, 40, 48, WHOLE),
    t(b"dp.scim.", ALNUM, 40, 48, WHOLE),
    t(b"dp.st.", ByteSet::of(b"A-Za-z0-9._\\-"), 40, 80, WHOLE),
    t(b"dt0c01.", ByteSet::of(b"A-Z0-9."), 80, 100, WHOLE),
    t(b"duffel_live_", URL, 43, 43, WHOLE),
    t(b"duffel_test_", URL, 43, 43, WHOLE),
    t(b"eyJrIjoi", B64, 70, 400, WHOLE),
    t(b"figd_", URL, 30, 60, WHOLE),
    t(b"fio-u-", URLEQ, 60, 70, WHOLE),
    t(b"fm1r_", ByteSet::of(b"A-Za-z0-9+/=,_"), 60, 900, WHOLE),
    t(b"fm2_", ByteSet::of(b"A-Za-z0-9+/=,_"), 60, 900, WHOLE),
    t(b"fo1_", URL, 43, 43, WHOLE),
    t(b"gho_", ALNUM, 36, 251, WHOLE),
    t(b"ghp_", ALNUM, 36, 251, WHOLE),
    t(b"ghr_", ALNUM, 36, 251, WHOLE),
    t(b"ghs_", ByteSet::of(b"A-Za-z0-9_.\\-"), 36, 600, WHOLE),
    t(b"ghu_", ALNUM, 36, 251, WHOLE),
    t(b"github_pat_", WORD, 60, 255, WHOLE),
    t(b"glagent-", URL, 40, 64, WHOLE),
    t(b"glc_", B64, 32, 400, WHOLE),
    t(b"glcbt-", URL, 20, 64, WHOLE),
    t(b"gldt-", URL, 20, 64, WHOLE),
    t(b"glffct-", URL, 20, 64, WHOLE),
    t(b"glft-", URL, 20, 64, WHOLE),
    t(b"glimt-", URL, 20, 64, WHOLE),
    t(b"gloas-", HEX, 64, 64, WHOLE),
    t(b"glpat-", URLDOT, 20, 300, WHOLE),
    t(b"glptt-", HEX, 40, 40, WHOLE),
    t(b"glrt-", URLDOT, 20, 300, WHOLE),
    t(b"glsa_", WORD, 41, 41, WHOLE),
    t(b"glsoat-", URL, 20, 64, WHOLE),
    t(b"gsk_", ALNUM, 40, 60, WHOLE),
    t(b"hf_", ALNUM, 30, 40, WHOLE),
    t(b"hooks.slack.com/services/", ByteSet::of(b"A-Za-z0-9+/"), 20, 64, ADDRESS),
    t(b"hooks.slack.com/triggers/", ByteSet::of(b"A-Za-z0-9+/"), 20, 80, ADDRESS),
    t(b"hooks.slack.com/workflows/", ByteSet::of(b"A-Za-z0-9+/"), 20, 80, ADDRESS),
    t(b"hvb.", URL, 100, 400, WHOLE),
    t(b"hvs.", URL, 24, 300, WHOLE),
    t(b"ico-", ALNUM, 32, 32, WHOLE),
    t(b"jina_", ALNUM, 50, 70, WHOLE),
    t(b"key-", HEX, 32, 32, DIGIT),
    t(b"lin_api_", ALNUM, 32, 48, WHOLE),
    t(b"lin_oauth_", HEX, 64, 64, WHOLE),
    t(b"live_", WORD, 36, 48, DIGIT),
    t(b"live_", LOWER, 35, 35, DIGIT),
    t(b"npm_", ALNUM, 36, 36, WHOLE),
    t(b"ntn_", ALNUM, 40, 60, WHOLE),
    t(b"nvapi-", URL, 50, 80, WHOLE),
    t(b"odt_", ALNUM, 30, 60, WHOLE),
    t(b"ops_eyJ", ByteSet::of(b"A-Za-z0-9+/=_\\-"), 200, 1200, WHOLE),
    t(b"ory_at_", URLDOT, 30, 120, WHOLE),
    t(b"outlook.office.com/webhook/", ByteSet::of(b"A-Za-z0-9@/\\-"), 40, 160, ADDRESS),
    t(b"oy2", LOWER, 43, 43, DIGIT),
    t(b"pat", ByteSet::of(b"A-Za-z0-9."), 79, 79, DIGIT),
    t(b"pcsk_", WORD, 50, 90, WHOLE),
    t(b"phc_", ALNUM, 40, 50, WHOLE),
    t(b"phx_", ALNUM, 40, 60, WHOLE),
    t(b"pnu_", ALNUM, 36, 36, WHOLE),
    t(b"pplx-", ALNUM, 40, 60, WHOLE),
    t(b"pscale_oauth_", ByteSet::of(b"A-Za-z0-9_\\-=."), 32, 64, WHOLE),
    t(b"pscale_pw_", ByteSet::of(b"A-Za-z0-9_\\-=."), 32, 64, WHOLE),
    t(b"pscale_tkn_", ByteSet::of(b"A-Za-z0-9_\\-=."), 32, 64, WHOLE),
    t(b"pul-", HEX, 40, 40, WHOLE),
    t(b"pypi-AgE", URL, 50, 400, WHOLE),
    t(b"r8_", ALNUM, 37, 37, DIGIT),
    t(b"rdme_", LOWER, 70, 70, WHOLE),
    t(b"re_", WORD, 30, 40, DIGIT),
    t(b"rk_live_", ALNUM, 10, 255, WHOLE),
    t(b"rk_prod_", ALNUM, 10, 99, WHOLE),
    t(b"rk_test_", ALNUM, 10, 255, WHOLE),
    t(b"rpa_", ALNUM, 30, 60, WHOLE),
    t(b"rubygems_", HEX, 48, 48, WHOLE),
    t(b"rzp_live_", ALNUM, 14, 24, WHOLE),
    t(b"rzp_test_", ALNUM, 14, 24, WHOLE),
    t(b"s-s4t2ud-", HEX, 64, 64, WHOLE),
    t(b"sbp_", HEX, 40, 40, WHOLE),
    t(b"sc_", URLDOT, 60, 120, WHOLE),
    t(b"secret_", ALNUM, 43, 43, DIGIT),
    t(b"sgp_", WORD, 40, 64, WHOLE),
    t(b"sha256~", URL, 40, 50, WHOLE),
    t(b"sha256~", URL, 43, 43, WHOLE),
    t(b"shippo_live_", HEX, 40, 40, WHOLE),
    t(b"shippo_test_", HEX, 40, 40, WHOLE),
    t(b"shpat_", HEXI, 32, 32, WHOLE),
    t(b"shpca_", HEXI, 32, 32, WHOLE),
    t(b"shppa_", HEXI, 32, 32, WHOLE),
    t(b"shpss_", HEXI, 32, 32, WHOLE),
    t(b"sk-", ALNUM, 40, 60, DIGIT),
    t(b"sk-admin-", URL, 40, 220, WHOLE),
    t(b"sk-ant-", URL, 80, 140, WHOLE),
    t(b"sk-or-v1-", HEX, 64, 64, WHOLE),
    t(b"sk-proj-", URL, 40, 220, WHOLE),
    t(b"sk-svcacct-", URL, 40, 220, WHOLE),
    t(b"sk_", HEX, 40, 64, DIGIT),
    t(b"sk_live_", ALNUM, 10, 255, WHOLE),
    t(b"sk_prod_", ALNUM, 10, 99, WHOLE),
    t(b"sk_test_", ALNUM, 10, 255, WHOLE),
    t(b"sl.", URL, 100, 300, DIGIT),
    t(b"sntrys_", ByteSet::of(b"A-Za-z0-9+/=_"), 80, 400, WHOLE),
    t(b"sntryu_", HEX, 64, 64, WHOLE),
    t(b"sq0atp-", URL, 20, 26, WHOLE),
    t(b"sq0csp-", URL, 40, 48, WHOLE),
    t(b"sq0idp-", URL, 20, 26, WHOLE),
    t(b"tfp_", ALNUM, 40, 60, WHOLE),
    t(b"tk-us-", URL, 48, 48, WHOLE),
    t(b"tskey-", URL, 20, 80, WHOLE),
    t(b"tvly-", URL, 20, 60, WHOLE),
    t(b"u-s4t2ud-", HEX, 64, 64, WHOLE),
    t(b"v1.0-", HEXDASH, 150, 190, WHOLE),
    t(b"vercel_", ALNUM, 20, 40, WHOLE),
    t(b"waka_", HEXDASH, 36, 36, WHOLE),
    t(b"whsec_", B64, 24, 80, WHOLE),
    t(b"xai-", ALNUM, 60, 100, WHOLE),
    t(b"xapp-", URL, 30, 160, WHOLE),
    t(b"xkeysib-", ByteSet::of(b"A-Za-z0-9\\-"), 60, 90, WHOLE),
    t(b"xoxa-", URL, 16, 160, WHOLE),
    t(b"xoxb-", URL, 16, 160, WHOLE),
    t(b"xoxe-", URL, 40, 260, WHOLE),
    t(b"xoxe.", URLDOT, 40, 260, WHOLE),
    t(b"xoxo-", URL, 16, 160, WHOLE),
    t(b"xoxp-", URL, 16, 160, WHOLE),
    t(b"xoxr-", URL, 16, 160, WHOLE),
    t(b"xoxs-", URL, 16, 160, WHOLE),
    t(b"ya29.", URL, 20, 2048, WHOLE),
];
