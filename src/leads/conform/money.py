"""Money as integer minor units: 19.99 EUR is 1999, exactly.

The units are those of ISO 4217. No arithmetic on binary fractions touches an amount
that came as text or as a decimal; one that came as a float must lie within rounding
error of a whole number of minor units.
"""

from __future__ import annotations

from typing import Final

import polars as pl

CODES: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL"
    " BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD"
    " EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS"
    " INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD"
    " LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK"
    " NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK"
    " SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH"
    " UGX USD UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW"
    " ZWG"
)
WITHOUT_DECIMALS: Final = (
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
)
WITH_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
WITH_FOUR: Final = "CLF UYW"
CURRENCIES: Final = frozenset(CODES.split())
DECIMALS: Final = {
    **dict.fromkeys(WITHOUT_DECIMALS.split(), 0),
    **dict.fromkeys(WITH_THREE.split(), 3),
    **dict.fromkeys(WITH_FOUR.split(), 4),
}
USUAL_DECIMALS: Final = 2
FLOAT_ERROR: Final = 1e-9
LARGEST_MINOR: Final = 2**53
"""Above it floats no longer tell neighbouring integers apart."""


def decimals_of(currency: pl.Series) -> pl.Series:
    """How many decimals each currency's main unit has.

    Examples
    --------
    >>> decimals_of(pl.Series(["EUR", "JPY", "KWD"])).to_list()
    [2, 0, 3]
    """
    return currency.replace_strict(
        DECIMALS, default=USUAL_DECIMALS, return_dtype=pl.UInt8
    )


def minor_of_text(amount: pl.Series, decimals: pl.Series) -> pl.Series:
    """Turn amounts written ``-12.50`` into minor units; null where they do not fit.

    Examples
    --------
    >>> amount = pl.Series(["19.99", "-0.5", "7", "1.005"])
    >>> minor_of_text(amount, pl.Series([2, 2, 0, 2])).to_list()
    [1999, -50, 7, None]
    """
    text, places = pl.col("amount"), pl.col("decimals").cast(pl.UInt32)
    digits = text.str.strip_chars_start("+-")
    whole = digits.str.extract(r"^(\d*)", 1)
    part = digits.str.extract(r"\.(\d*?)0*$", 1).fill_null("")
    short = places.cast(pl.Int64) - part.str.len_bytes().cast(pl.Int64)
    zeros = pl.lit("00000").str.slice(0, pl.max_horizontal(short, 0))
    joined = pl.concat_str(whole, part, zeros).cast(pl.Int64, strict=False)
    signed = pl.when(text.str.starts_with("-")).then(-joined).otherwise(joined)
    is_exact = (short >= 0) & text.str.contains(r"^[+-]?(?:\d+\.?\d*|\.\d+)$")
    frame = pl.DataFrame({"amount": amount, "decimals": decimals})
    return frame.select(pl.when(is_exact).then(signed)).to_series()


def minor_of_float(amount: pl.Series, decimals: pl.Series) -> pl.Series:
    """Turn float amounts into minor units; null where they are not whole ones.

    Examples
    --------
    >>> amount = pl.Series([19.99, 0.1 + 0.2, 1.005, float("nan")])
    >>> minor_of_float(amount, pl.Series([2, 2, 2, 2])).to_list()
    [1999, 30, None, None]
    """
    scaled = pl.col("amount").cast(pl.Float64) * (
        pl.lit(10.0).pow(pl.col("decimals").cast(pl.Float64))
    )
    near = scaled.round()
    error = (scaled - near).abs() <= FLOAT_ERROR * pl.max_horizontal(near.abs(), 1.0)
    fits = error & scaled.is_finite() & (near.abs() < LARGEST_MINOR)
    frame = pl.DataFrame({"amount": amount, "decimals": decimals})
    minor = pl.when(fits).then(near).cast(pl.Int64)
    return frame.select(minor).to_series()
