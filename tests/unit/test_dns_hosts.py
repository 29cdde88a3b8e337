"""The DNS service behind a domain, by its nameservers' names."""

import pytest

from bot.content.hosts import dns_hosts, host_name, recognise


@pytest.mark.parametrize(
    ("nameservers", "host"),
    [
        (["01.dnsv.jp.", "02.dnsv.jp."], "onamae"),
        (["DNS01.muumuu-domain.com", "dns02.muumuu-domain.com"], "muumuu"),
        (["ns1.dns.ne.jp", "ns2.dns.ne.jp"], "sakura"),
        (["ns1.value-domain.com", "ns5.value-domain.com"], "value-domain"),
        (["ns1.xserver.jp", "ns3.xserver.jp"], "xserver"),
        (["ns-a1.conoha.io", "ns-a3.conoha.io"], "conoha"),
        (["dns-b.iij.ad.jp", "dns-c.iij.ad.jp"], "iij"),
        (["ns0.kagoya.net", "ns1.kagoya.net"], "kagoya"),
        (["ns-101.awsdns-12.com", "ns-1999.awsdns-57.co.uk", "ns-1.awsdns-1.org"], "route53"),
        (["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"], "cloudflare"),
        (["ns1-01.azure-dns.com", "ns2-01.azure-dns.net"], "azure"),
        (["ns-cloud-a1.googledomains.com"], "google-cloud"),
        (["nsa1.squarespacedns.com", "nsd4.squarespacedns.com"], "squarespace"),
        (["ns1.example.net"], None),
        ([], None),
        (["05.dnsv.jp"], None),
        (["ns1.dns.ne.jp.attacker.example"], None),
        (["evil.ada.ns.cloudflare.com"], None),
        (["ns1.xserver.jp", "ns1.dns.ne.jp"], None),  # in the middle of a move: nobody's alone
    ],
)
def test_a_service_is_known_by_all_of_its_nameservers(nameservers: list[str], host: str | None) -> None:
    found = recognise(nameservers)
    assert (found.id if found else None) == host


def test_the_fixed_ttl_is_known() -> None:
    host = recognise(["dns01.muumuu-domain.com"])
    assert host is not None
    assert host.can_lower_ttl is False
    assert host.dot["ja"]


def test_no_nameserver_belongs_to_two() -> None:
    patterns = [pattern for host in dns_hosts().values() for pattern in host.nameservers]
    assert len(patterns) == len(set(patterns))


def test_a_name_in_both_languages_even_for_one_that_is_gone() -> None:
    assert host_name("onamae", "ja") == "お名前.com"
    assert host_name("gone", "en") == "gone"
