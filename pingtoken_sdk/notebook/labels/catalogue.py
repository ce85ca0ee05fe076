"""Every text that the notebook shows, as a type: a language that lacks one of them cannot be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Labels", "Words"]

Words: TypeAlias = Mapping[str, str]
"""The platform's words, each in the reader's. One that is not there is shown as the platform wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The texts of one language. Names in braces are filled in; they are the same in every language."""

    code: str
    """The language, as BCP 47 has it."""

    # Panels and tables
    account: str
    usage: str
    bills: str
    bill: str
    calls: str
    call: str
    edges: str
    meter: str
    notices: str
    budgets: str
    budget: str
    budget_period: str
    tool_calls: str
    attempts: str
    estimate: str
    facts: str
    lines: str
    sums: str
    latency: str
    by_step: str
    estimate_and_bill: str
    ledger: str
    prices: str
    models: str
    keys: str

    # Figures and columns
    item: str
    value: str
    name: str
    state: str
    can_spend: str
    cash: str
    granted: str
    credit: str
    pending: str
    overdue: str
    spent: str
    limit: str
    left: str
    cost: str
    tokens: str
    input_tokens: str
    output_tokens: str
    cached_tokens: str
    cached_share: str
    reasoning_tokens: str
    requests: str
    failed: str
    share: str
    period: str
    number: str
    subtotal: str
    discount: str
    grants_applied: str
    tax: str
    total: str
    paid: str
    due: str
    due_on: str
    meter_name: str
    quantity: str
    unit_price: str
    amount: str
    kind: str
    description: str
    time: str
    model: str
    served_model: str
    key: str
    edge: str
    endpoint: str
    request_id: str
    error: str
    streamed: str
    first_token: str
    after_first_token: str
    duration: str
    in_flight: str
    served: str
    recently: str
    why: str
    outcome: str
    billed: str
    low: str
    likely: str
    high: str
    title: str
    effective: str
    told: str
    scope: str
    price_version: str
    finish: str
    billing_mode: str
    identity: str
    expires: str
    last_used: str
    rate_limits: str
    allowed_models: str
    time_zone: str
    none_of_them: str
    yes: str
    no: str
    possibly: str
    other: str
    nothing: str
    unread: str
    note: str

    # Sentences
    unknown: str
    no_data: str
    no_rows: str
    rest_of_rows: str
    more_rows: str
    times_in: str
    estimated: str
    computed: str
    estimated_note: str
    computed_note: str
    provisional_part: str
    several_currencies: str
    unpriced: str
    unsettled: str
    not_settled: str
    against_before: str
    changes_note: str
    new_since_before: str
    made_of: str
    cannot_spend: str
    overdue_since: str
    amount_is_due: str
    suspends_at: str
    suspends_in: str
    closes_at: str
    reason: str
    restricted_from: str
    agreements_pending: str
    key_expires: str
    key_is: str
    grant_expires: str
    identity_is: str
    price_changes: str
    prices_by_clock: str
    agreement_changes: str
    does_not_add_up: str
    budget_used: str
    latency_sentence: str
    spark_sentence: str
    chart_sentence: str
    chart_largest: str
    chart_latest: str
    split_sentence: str
    per_unit: str
    requests_per_minute: str
    tokens_per_minute: str
    requests_per_day: str
    concurrency: str
    by_group: str
    totals_by: str
    calls_shown: str
    edges_healthy: str
    edges_none: str
    bills_total: str
    bills_estimated: str
    retry_in: str
    unlimited: str
    no_cost: str
    answer_only_tools: str
    cost_by_platform: str
    cost_local: str
    cannot_read: str
    read_by_async: str
    ago: str
    in_time: str
    just_now: str

    # Controls of the live panels
    refresh: str
    stop: str
    close: str
    download: str
    range: str
    group_by: str
    metric: str
    bucket: str
    filter_model: str
    filter_state: str
    previous_page: str
    next_page: str
    page: str
    loading: str
    stale: str
    stale_request: str
    unavailable: str
    stopped: str
    last_days: str
    show: str
    mark_read: str
    as_of: str
    failed_at: str
    last_hours: str
    last_months: str
    whole_time: str
    choose: str
    all_values: str
    undivided: str
    bill_lines_of: str
    not_drawn: str
    unexpected: str

    # The platform's words
    account_states: Words
    account_states_explained: Words
    account_reasons: Words
    billing_modes: Words
    identity_states: Words
    key_states: Words
    bill_states: Words
    call_states: Words
    edge_states: Words
    categories: Words
    periods: Words
    budget_states: Words
    scopes: Words
    line_kinds: Words
    meters: Words
    groups: Words
    buckets: Words
    metrics: Words
    agreement_kinds: Words
    outcomes: Words
    ledger_states: Words

    # How numbers and times are written
    units: Mapping[str, tuple[str, str]]
    """A counted thing: its singular and its plural."""
    months: tuple[str, ...]
    day_form: str
    day_short_form: str
    month_form: str
    month_short_form: str
    thousands: tuple[tuple[int, str], ...]
    """How large numbers are shortened: the power of ten and its sign, the largest first."""
    money_form: str
    percent_form: str
    clock_units: Mapping[str, str]
    """``ms``, ``s``, ``min``, ``h`` and ``d``, each with its leading blank where the language has one."""
    list_comma: str
    clause_comma: str
    """What stands between clauses of a sentence."""
    sentence_gap: str
    """What stands between two sentences."""
    colon: str
