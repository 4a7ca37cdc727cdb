-- The warehouse's front door: what landing is loaded into. Rows are never edited here but for orders, order lines and
-- customers, of which the newest version stands.
create schema if not exists raw;

create table if not exists raw.loads (
    load_id bigint primary key,           -- rises with every load; rows carry it, so a model knows what is new
    file text not null,                   -- relative to data/landing
    offset_from bigint not null,
    offset_to bigint not null,            -- half-open: [offset_from, offset_to)
    rows bigint not null,                 -- new rows only
    rejected bigint not null,
    loaded_at timestamp not null,
    unique (file, offset_from)
);

create table if not exists raw.message_events (
    event_id text not null,
    provider text not null,
    channel_id text,
    message_id text,
    direction text,
    event_type text not null,
    occurred_at timestamp,
    received_at timestamp not null,
    phone text,
    user_id text,
    profile_name text,
    username text,
    content_type text,
    body_text text,
    template_name text,
    category text,
    pricing_type text,
    price decimal(18, 6),
    currency text,
    error_code text,
    error_family text,
    callback_data text,
    reply_to_message_id text,
    ad_click_id text,
    landing_ref text not null,            -- <file>:<offset of the line>
    load_id bigint not null,
    template_language text,               -- of what is told of a template
    template_id text                      -- the provider's own, where it says one
);
alter table raw.message_events add column if not exists template_language text;  -- of an older version
alter table raw.message_events add column if not exists template_id text;

create table if not exists raw.orders (
    source text not null,
    order_id text not null,
    customer_ref text,                    -- null: a guest
    ordered_at timestamp,
    updated_at timestamp,
    status text not null,
    total decimal(18, 4),
    refunded decimal(18, 4),
    margin decimal(18, 4),
    currency text,
    phone text,
    email text,
    name text,
    is_deleted boolean,                   -- null: the source does not say
    received_at timestamp not null,       -- this version of it
    first_received_at timestamp not null, -- its first version: never moves
    landing_ref text not null,
    load_id bigint not null,
    seen_at timestamp                     -- when it was last shown, in whichever version; null: loaded before this was kept
);
alter table raw.orders add column if not exists is_deleted boolean;
alter table raw.orders add column if not exists seen_at timestamp;

-- A source that gives only lines carries the order's own fields on each of them; headers are then derived by a model.
create table if not exists raw.order_lines (
    source text not null,
    order_id text not null,
    line_number integer not null,
    sku text,
    title text,
    category text,
    quantity decimal(18, 4),
    unit_price decimal(18, 4),
    customer_ref text,
    ordered_at timestamp,
    currency text,
    phone text,
    email text,
    name text,
    received_at timestamp not null,
    landing_ref text not null,
    load_id bigint not null
);

create table if not exists raw.customers (
    source text not null,
    customer_ref text not null,
    phone text,
    email text,
    name text,
    locale text,
    timezone text,
    country text,
    consent boolean,                      -- null: the source does not say
    consent_at timestamp,
    consent_source text,
    updated_at timestamp,
    is_deleted boolean,                   -- null: the source does not say
    merged_into text,                     -- the customer_ref, of the same source, that this one became part of
    received_at timestamp not null,
    first_received_at timestamp not null,
    landing_ref text not null,
    load_id bigint not null,
    seen_at timestamp                     -- when it was last shown, in whichever version
);
alter table raw.customers add column if not exists is_deleted boolean;
alter table raw.customers add column if not exists merged_into text;
alter table raw.customers add column if not exists seen_at timestamp;

-- What was told of people who were deleted or merged, before it was put together to their row in raw.customers: the
-- newest full record, and each newer note that they are gone.
create table if not exists raw.customers_told as from raw.customers limit 0;

-- A row a completed pull. What a full pull of a source's orders or customers does not show is deleted there, if the models
-- find it whole; where a pull can't tell that (the source gives only the last months), is_full is false.
create table if not exists raw.pulls (
    source text not null,
    stream text not null,
    started_at timestamp not null,
    finished_at timestamp not null,       -- when its last page came
    is_full boolean not null,
    landing_ref text not null,
    load_id bigint not null,
    records bigint,                       -- it showed; null: not counted
    is_confirmed boolean                  -- a person asked for everything
);
alter table raw.pulls add column if not exists records bigint;
alter table raw.pulls add column if not exists is_confirmed boolean;

-- How each source's pages were read when its rows were loaded. Where that changes they are loaded again.
create table if not exists raw.readings (
    source text primary key,
    fingerprint text,                     -- null: wabench.toml has the source no more
    load_id bigint not null               -- the last one before its rows were loaded anew
);

create table if not exists raw.rejected (
    source text not null,
    stream text not null,
    landing_ref text not null,
    received_at timestamp,
    reason text not null,
    body text,                            -- the first 2,000 characters; landing has the whole
    load_id bigint not null
);

-- Copies of the ledger, replaced whole by each refresh, so that models can join sends to what came back.
create table if not exists raw.campaigns (
    campaign_id text not null,
    name text not null,
    segment text,
    provider text,
    channel_id text,
    template_name text,
    language text,
    category text,
    status text not null,
    created_at timestamp,
    planned_at timestamp,
    approved_at timestamp,
    approved_by text,
    started_at timestamp,
    finished_at timestamp,
    template_body text,                   -- as planned; null: planned by an older version
    holdout_share double,                 -- of the customers who would be written to; null: of an older version
    starts_at timestamp,                  -- not before this moment; null: whenever somebody runs it
    open_stage bigint,                    -- the last stage that may leave; null: all of them
    retry_of text                         -- the campaign whose failed sends it tries again
);
alter table raw.campaigns add column if not exists template_body text;
alter table raw.campaigns add column if not exists holdout_share double;
alter table raw.campaigns add column if not exists starts_at timestamp;
alter table raw.campaigns add column if not exists open_stage bigint;
alter table raw.campaigns add column if not exists retry_of text;

create table if not exists raw.variants (
    campaign_id text not null,
    variant text not null,
    share double,
    template_name text,
    language text,
    template_body text                    -- as planned
);

create table if not exists raw.sends (
    campaign_id text not null,
    customer_id text not null,            -- as it was when the campaign was planned
    send_id text not null,                -- what callback_data carries
    variant text,
    phone text,
    user_id text,
    state text not null,                  -- planned claimed accepted rejected unknown suppressed held
    reason text,                          -- why suppressed or held
    message_id text,
    error_code text,
    error_family text,
    planned_at timestamp,
    claimed_at timestamp,
    outcome_at timestamp,
    text_length bigint,                   -- characters of the text as its customer reads it
    is_personalised boolean,              -- whether their name is in it
    arm text,                             -- treated held_out; null: not decided by chance
    stage bigint                          -- goes when this one is open; null: at once, or never
);
alter table raw.sends add column if not exists text_length bigint;
alter table raw.sends add column if not exists is_personalised boolean;
alter table raw.sends add column if not exists arm text;
alter table raw.sends add column if not exists stage bigint;

create table if not exists raw.replies (
    reply_id text not null,
    customer_id text not null,            -- as it was when it was written
    provider text not null,
    channel_id text not null,
    written_by text not null,             -- rule person
    canned text,                          -- the canned reply it was made of
    state text not null,                  -- as of sends
    reason text,
    message_id text,
    error_code text,
    error_family text,
    asked_at timestamp,
    claimed_at timestamp,
    outcome_at timestamp
);

create table if not exists raw.heard (
    inbound_id text not null,
    provider text not null,
    message_id text not null,
    customer_id text not null,            -- as it was when it was decided
    does text not null,                   -- confirm text template promo_code tag hand_over nothing
    command text,                         -- stop start help
    rule text,
    tag text,
    reason text,                          -- why nothing was done
    reply_id text,
    wrote_at timestamp,
    decided_at timestamp
);

create table if not exists raw.refreshes (
    run_id text not null,
    started_at timestamp not null,
    finished_at timestamp,                -- null: running, or it was killed
    as_of timestamp,
    status text not null,                 -- running published failed
    step text,
    version text,                         -- the published file
    events bigint,
    orders bigint,
    customers bigint,
    tests_passed bigint,
    tests_failed bigint,
    error text
);

create table if not exists raw.test_results (
    run_id text not null,
    test text not null,
    model text,
    status text not null,                 -- pass fail error warn skipped
    failures bigint,
    seconds double,
    message text
);
