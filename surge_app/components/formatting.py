"""Figures and dates as text, formatted in the browser from what the JSON API sends."""

from __future__ import annotations

import reflex as rx


def _js(expression: str, *parts: object) -> rx.Var[str]:
    """Build a string var from a JS expression in which {0}, {1} … are vars or literals."""
    made = [rx.Var.create(part) for part in parts]
    text = rx.Var(
        _js_expr="(" + expression.format(*(str(part) for part in made)) + ")",
        _var_data=rx.vars.VarData.merge(*(part._get_all_var_data() for part in made)),  # noqa: SLF001
    )
    return text.to(str)


def money(paise: rx.Var[int] | int) -> rx.Var[str]:
    """Format paise the Indian way: ₹2,06,100, or ₹25.50 when there are paise.

    The browser's counterpart of `surge_app.formatting.rupees`.
    """
    return _js(
        "new Intl.NumberFormat('en-IN',{{style:'currency',currency:'INR',"
        "minimumFractionDigits:{0}%100?2:0,maximumFractionDigits:2}}).format({0}/100)",
        paise,
    )


def price(paise: rx.Var[int] | int) -> rx.Var[str]:
    """Format an all-in price, "Free" if it is nothing."""
    return _js("{0}>0?{1}:'Free'", paise, money(paise))


def count(number: rx.Var[int] | int) -> rx.Var[str]:
    """Group a number the Indian way: 1,02,961."""
    return _js("new Intl.NumberFormat('en-IN').format({0})", number)


def counted(number: rx.Var[int] | int, one: str, many: str) -> rx.Var[str]:
    """Say "1 seat" or "2,140 seats"."""
    return _js(
        "new Intl.NumberFormat('en-IN').format({0})+' '+({0}===1?{1}:{2})", number, one, many
    )


def elsewhere(moment: rx.Var[str] | str, zone: rx.Var[str] | str) -> rx.Var[str]:
    """Say when a moment is by the reader's own clock: "Sat 6 Mar, 1:30 pm".

    Empty where that clock shows the same as the event's.
    """
    return _js(
        "((at)=>{{if(!at)return '';const s=(timeZone)=>new Intl.DateTimeFormat('en-IN',"
        "{{weekday:'short',day:'numeric',month:'short',hour:'numeric',minute:'2-digit',"
        "hour12:true,timeZone}}).format(new Date(at));"
        "const mine=s();return mine===s({1})?'':mine}})({0})",
        moment,
        zone,
    )


def until(seconds: rx.Var[int] | int) -> rx.Var[str]:
    """Say how far away something is, in its largest unit: "6 days", "3 hours", "5 minutes"."""
    return _js(
        "(([n,one])=>`${{n}} ${{one}}${{n===1?'':'s'}}`)({0}>=86400?[Math.round({0}/86400),'day']:"
        "{0}>=3600?[Math.round({0}/3600),'hour']:[Math.max(1,Math.ceil({0}/60)),'minute'])",
        seconds,
    )


def when(moment: rx.Var[str] | str, zone: rx.Var[str] | str) -> rx.Var[str]:
    """Format an ISO time in the event's own zone: "Sat 6 Mar 2027, 7:00 pm IST".

    The browser's counterpart of `surge_app.state.view_models.when`. An empty moment gives "".
    """
    return _js(
        "{0}?((p)=>`${{p.weekday}} ${{p.day}} ${{p.month}} ${{p.year}}, ${{p.hour}}:${{p.minute}} "
        "${{p.dayPeriod.toLowerCase()}} ${{p.timeZoneName}}`)(Object.fromEntries("
        "new Intl.DateTimeFormat('en-IN',{{weekday:'short',day:'numeric',month:'short',"
        "year:'numeric',hour:'numeric',minute:'2-digit',hour12:true,timeZoneName:'short',"
        "timeZone:{1}}}).formatToParts(new Date({0})).map((x)=>[x.type,x.value]))):''",
        moment,
        zone,
    )
