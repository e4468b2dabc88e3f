The invariants. Each query returns the rows that break a promise. :slug limits it to one event.
Each table is read once and grouped before it is joined, so that a million units take seconds.

-- holds_end_in_time: No hold outlives its deadline by more than 2 s, or 62 s while the gateway is asked.
-- First of all, as the clock goes on while the snapshot stands still.
SELECT e.slug, i.id AS intent, i.status, i.expires_at
FROM intents i JOIN events e ON e.id = i.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND ((i.status = 'held' AND i.expires_at < hold_clock() - interval '2 seconds')
    OR (i.status = 'paying' AND i.expires_at < hold_clock() - interval '62 seconds'));

-- units_add_up: In every tier, available, held and sold units add up to its capacity.
SELECT e.slug, t.name AS tier, t.capacity, coalesce(c.units, 0) AS units
FROM tiers t
JOIN events e ON e.id = t.event_id
LEFT JOIN (SELECT tier_id, count(*) AS units FROM units WHERE status <> 'withdrawn' GROUP BY tier_id) c
  ON c.tier_id = t.id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug) AND coalesce(c.units, 0) <> t.capacity;

-- one_live_intent_each: A visitor has one live intent for an event at most.
SELECT e.slug, i.visitor_id AS visitor, count(*) AS intents, min(i.id) AS intent
FROM intents i JOIN events e ON e.id = i.event_id
WHERE i.status IN ('held', 'paying') AND (CAST(:slug AS text) IS NULL OR e.slug = :slug)
GROUP BY e.slug, i.event_id, i.visitor_id
HAVING count(*) > 1;

-- holds_are_live: Held units belong to a live intent, and a live intent holds exactly its lines.
SELECT e.slug, coalesce(w.intent_id, h.intent_id) AS intent, t.name AS tier,
       coalesce(w.quantity, 0) AS wanted, coalesce(h.units, 0) AS held
FROM (SELECT l.intent_id, l.tier_id, l.quantity
      FROM intents i JOIN intent_lines l ON l.intent_id = i.id
      WHERE i.status IN ('held', 'paying')) w
FULL JOIN (SELECT intent_id, tier_id, count(*) AS units
           FROM units WHERE status = 'held' GROUP BY intent_id, tier_id) h
  ON h.intent_id = w.intent_id AND h.tier_id = w.tier_id
JOIN tiers t ON t.id = coalesce(w.tier_id, h.tier_id)
JOIN events e ON e.id = t.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND coalesce(w.quantity, 0) <> coalesce(h.units, 0);

-- sold_units_have_a_ticket: A sold unit is that of one booking's ticket, and a valid ticket's unit is sold to it.
SELECT e.slug, u.id AS unit, u.status, k.ref AS booking, coalesce(k.valid, 0) AS valid_tickets
FROM (SELECT k.unit_id, b.intent_id, min(b.ref) AS ref,
             count(*) FILTER (WHERE k.status = 'valid') AS valid
      FROM tickets k JOIN bookings b ON b.id = k.booking_id
      GROUP BY k.unit_id, b.intent_id) k
FULL JOIN (SELECT id, intent_id FROM units WHERE status = 'sold') s
  ON s.id = k.unit_id AND s.intent_id = k.intent_id
JOIN units u ON u.id = coalesce(s.id, k.unit_id)
JOIN tiers t ON t.id = u.tier_id
JOIN events e ON e.id = t.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (k.unit_id IS NULL OR k.valid > 1 OR (s.id IS NULL AND k.valid > 0));

-- one_valid_ticket_each: No unit has two valid tickets, of one booking or of two.
SELECT e.slug, k.unit_id AS unit, k.tickets
FROM (SELECT unit_id, count(*) AS tickets FROM tickets
      WHERE status = 'valid' GROUP BY unit_id HAVING count(*) > 1) k
JOIN units u ON u.id = k.unit_id
JOIN tiers t ON t.id = u.tier_id
JOIN events e ON e.id = t.event_id
WHERE CAST(:slug AS text) IS NULL OR e.slug = :slug;

-- confirmed_intents_are_bookings: An intent is confirmed exactly if it became a booking of its event.
SELECT e.slug, i.id AS intent, i.status, b.ref AS booking
FROM intents i
LEFT JOIN bookings b ON b.intent_id = i.id
JOIN events e ON e.id = i.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND ((i.status = 'confirmed') <> (b.id IS NOT NULL) OR b.event_id <> i.event_id);

-- bookings_have_their_tickets: Of each tier a booking has as many tickets as its lines wanted.
SELECT e.slug, b.ref AS booking, t.name AS tier,
       coalesce(w.quantity, 0) AS wanted, coalesce(k.tickets, 0) AS tickets
FROM (SELECT b.id AS booking_id, l.tier_id, l.quantity
      FROM bookings b JOIN intent_lines l ON l.intent_id = b.intent_id) w
FULL JOIN (SELECT k.booking_id, u.tier_id, count(*) AS tickets
           FROM tickets k JOIN units u ON u.id = k.unit_id
           GROUP BY k.booking_id, u.tier_id) k
  ON k.booking_id = w.booking_id AND k.tier_id = w.tier_id
JOIN bookings b ON b.id = coalesce(w.booking_id, k.booking_id)
JOIN tiers t ON t.id = coalesce(w.tier_id, k.tier_id)
JOIN events e ON e.id = b.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (coalesce(w.quantity, 0) <> coalesce(k.tickets, 0) OR t.event_id <> b.event_id);

-- valid_tickets_fit_the_booking: A confirmed booking has a valid ticket; one that is refunded has none.
SELECT e.slug, b.ref AS booking, b.status, coalesce(k.valid, 0) AS valid_tickets
FROM bookings b
LEFT JOIN (SELECT booking_id, count(*) AS valid FROM tickets
           WHERE status = 'valid' GROUP BY booking_id) k ON k.booking_id = b.id
JOIN events e ON e.id = b.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (b.status = 'confirmed') <> (coalesce(k.valid, 0) > 0);

-- money_has_one_end: Captured money is applied to one booking or goes back whole, never both, never neither.
SELECT e.slug, p.id AS payment, p.status, p.disposition, p.amount_paise,
       b.ref AS booking, coalesce(r.refunds, 0) AS refunds
FROM payments p
JOIN intents i ON i.id = p.intent_id
JOIN events e ON e.id = i.event_id
LEFT JOIN bookings b ON b.intent_id = p.intent_id
LEFT JOIN (SELECT payment_id, count(*) AS refunds, sum(amount_paise) AS amount_paise
           FROM refunds GROUP BY payment_id) r ON r.payment_id = p.id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND ((p.disposition IS NULL AND (p.status = 'captured' OR r.refunds > 0))
    OR (p.disposition = 'applied' AND b.id IS NULL)
    OR (p.disposition = 'refund'
        AND (r.refunds IS DISTINCT FROM 1 OR r.amount_paise <> p.amount_paise)));

-- bookings_are_paid: A booking has one applied payment of exactly its total, through its own order; a free one none.
SELECT e.slug, b.ref AS booking, b.total_paise, coalesce(p.payments, 0) AS payments, p.paid_paise
FROM bookings b
JOIN intents i ON i.id = b.intent_id
JOIN events e ON e.id = b.event_id
LEFT JOIN (SELECT intent_id, count(*) AS payments, sum(amount_paise) AS paid_paise,
                  min(currency) AS currency, min(order_id) AS order_id, min(source) AS source
           FROM payments WHERE disposition = 'applied' GROUP BY intent_id) p
  ON p.intent_id = b.intent_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (coalesce(p.payments, 0) <> CASE WHEN b.total_paise = 0 THEN 0 ELSE 1 END
    OR coalesce(p.paid_paise, 0) <> b.total_paise
    OR p.currency <> b.currency OR p.order_id IS DISTINCT FROM
       CASE WHEN b.total_paise = 0 THEN NULL WHEN p.source = 'cash' THEN 'counter_' || i.id
            ELSE i.order_id END);

-- cash_is_of_the_counter: Cash pays for bookings of the counter and nothing else, which have no order and no fee; what is given away costs nothing.
SELECT e.slug, b.ref AS booking, b.channel, p.source, b.fee_paise, b.total_paise, i.order_id
FROM bookings b
JOIN intents i ON i.id = b.intent_id
JOIN events e ON e.id = b.event_id
LEFT JOIN payments p ON p.intent_id = b.intent_id AND p.disposition = 'applied'
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (p.source <> CASE b.channel WHEN 'box_office' THEN 'cash' ELSE 'gateway' END
    OR (b.channel <> 'online' AND (b.fee_paise <> 0 OR i.order_id IS NOT NULL))
    OR (b.channel <> 'online') <> (i.request_key IS NOT NULL)
    OR (b.channel = 'complimentary' AND b.total_paise <> 0));

-- prices_agree: First price shown, intent, booking and ledger agree, the frozen fee and an offer of the gateway included.
SELECT e.slug, i.id AS intent, b.ref AS booking, i.total_paise AS held_paise,
       b.total_paise AS booked_paise, l.paise AS lines_paise,
       g.tickets_paise AS ledger_tickets_paise, g.fee_paise AS ledger_fee_paise
FROM intents i
JOIN events e ON e.id = i.event_id
LEFT JOIN bookings b ON b.intent_id = i.id
LEFT JOIN (SELECT intent_id, sum(quantity * unit_price_paise) AS paise
           FROM intent_lines GROUP BY intent_id) l ON l.intent_id = i.id
LEFT JOIN payments p ON p.intent_id = i.id AND p.disposition = 'applied'
LEFT JOIN (SELECT booking_id, sum(amount_paise) FILTER (WHERE kind = 'sale') AS tickets_paise,
                  sum(amount_paise) FILTER (WHERE kind = 'sale_fee') AS fee_paise
           FROM ledger_entries WHERE booking_id IS NOT NULL GROUP BY booking_id) g
  ON g.booking_id = b.id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (i.subtotal_paise IS DISTINCT FROM l.paise
    OR i.total_paise <> b.total_paise + coalesce(p.discount_paise, 0)
    OR i.fee_paise <> b.fee_paise
    OR b.total_paise <> b.subtotal_paise + b.fee_paise
    OR coalesce(g.tickets_paise, 0) <> b.subtotal_paise
    OR coalesce(g.fee_paise, 0) <> b.fee_paise);

-- refunds_add_up: No payment gives back more than it was; a booking without tickets gives back all of it.
SELECT e.slug, p.id AS payment, p.status, b.ref AS booking, b.status AS booking_status,
       p.amount_paise, coalesce(r.asked_paise, 0) AS asked_paise,
       coalesce(r.processed_paise, 0) AS processed_paise
FROM payments p
JOIN intents i ON i.id = p.intent_id
JOIN events e ON e.id = i.event_id
LEFT JOIN bookings b ON b.intent_id = p.intent_id AND p.disposition = 'applied'
LEFT JOIN (SELECT payment_id, sum(amount_paise) AS asked_paise,
                  sum(amount_paise) FILTER (WHERE status = 'processed') AS processed_paise
           FROM refunds GROUP BY payment_id) r ON r.payment_id = p.id
WHERE p.disposition IS NOT NULL AND (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (r.asked_paise > p.amount_paise
    OR (p.status = 'refunded') <> (coalesce(r.processed_paise, 0) = p.amount_paise)
    OR (b.status <> 'confirmed' AND coalesce(r.asked_paise, 0) <> p.amount_paise)
    OR (b.status = 'refunded' AND coalesce(r.processed_paise, 0) <> p.amount_paise)
    OR (b.status = 'refunding' AND coalesce(r.processed_paise, 0) = p.amount_paise));

-- refunds_are_in_the_ledger: What a refund gives back is owed once, and paid out exactly when it is processed.
SELECT e.slug, r.id AS refund, r.status, r.amount_paise,
       coalesce(g.owed_paise, 0) AS owed_paise, coalesce(g.paid_paise, 0) AS paid_paise
FROM refunds r
JOIN payments p ON p.id = r.payment_id
JOIN intents i ON i.id = p.intent_id
JOIN events e ON e.id = i.event_id
LEFT JOIN (SELECT refund_id, sum(amount_paise) FILTER (WHERE kind <> 'refunded') AS owed_paise,
                  sum(amount_paise) FILTER (WHERE kind = 'refunded') AS paid_paise
           FROM ledger_entries WHERE refund_id IS NOT NULL GROUP BY refund_id) g
  ON g.refund_id = r.id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (coalesce(g.owed_paise, 0) <> CASE WHEN p.disposition = 'applied' THEN r.amount_paise ELSE 0 END
    OR coalesce(g.paid_paise, 0) <> CASE WHEN r.status = 'processed' THEN r.amount_paise ELSE 0 END);

-- cash_goes_back_by_hand: A refund is paid by hand exactly if its money came in cash, and no gateway is asked for it.
SELECT e.slug, r.id AS refund, p.source, r.by_hand, r.status, r.gateway_id
FROM refunds r
JOIN payments p ON p.id = r.payment_id
JOIN intents i ON i.id = p.intent_id
JOIN events e ON e.id = i.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (r.by_hand <> (p.source = 'cash')
    OR (r.by_hand AND (r.gateway_id IS NOT NULL OR r.next_attempt_at IS NOT NULL)));

-- entries_fit_their_kind: An entry moves money between the accounts of its kind, for its payment's booking and refund.
SELECT e.slug, g.id AS entry, g.kind, g.debit, g.credit, p.id AS payment, p.source,
       b.ref AS booking,
       g.refund_id AS refund
FROM ledger_entries g
JOIN payments p ON p.id = g.payment_id
JOIN intents i ON i.id = p.intent_id
JOIN events e ON e.id = i.event_id
LEFT JOIN bookings b ON b.intent_id = p.intent_id AND p.disposition = 'applied'
LEFT JOIN refunds r ON r.id = g.refund_id AND r.payment_id = p.id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND ((p.source, g.kind, g.debit, g.credit) NOT IN (
        ('gateway', 'sale', 'gateway_receivable', 'ticket_revenue'),
        ('gateway', 'sale_fee', 'gateway_receivable', 'fee_revenue'),
        ('gateway', 'received', 'gateway_receivable', 'owed_to_customer'),
        ('gateway', 'refund_owed', 'ticket_revenue', 'owed_to_customer'),
        ('gateway', 'refund_fee_owed', 'fee_revenue', 'owed_to_customer'),
        ('gateway', 'refunded', 'owed_to_customer', 'gateway_receivable'),
        ('cash', 'sale', 'cash_on_hand', 'ticket_revenue'),
        ('cash', 'refund_owed', 'ticket_revenue', 'owed_to_customer'),
        ('cash', 'refunded', 'owed_to_customer', 'cash_on_hand'))
    OR g.booking_id IS DISTINCT FROM b.id OR g.refund_id IS DISTINCT FROM r.id
    OR (g.kind IN ('refund_owed', 'refund_fee_owed', 'refunded')) <> (r.id IS NOT NULL));

-- ledger_closes: What a payment brought is kept as price or fee, owed, or paid back: nothing is lost.
SELECT e.slug, p.id AS payment, p.amount_paise, g.received_paise, g.tickets_paise, g.fee_paise,
       g.owed_paise, g.bookings
FROM payments p
JOIN intents i ON i.id = p.intent_id
JOIN events e ON e.id = i.event_id
LEFT JOIN (
    SELECT payment_id,
           sum(amount_paise) FILTER (WHERE debit IN ('gateway_receivable', 'cash_on_hand'))
               AS received_paise,
           sum(CASE WHEN credit = 'ticket_revenue' THEN amount_paise
                    WHEN debit = 'ticket_revenue' THEN -amount_paise ELSE 0 END) AS tickets_paise,
           sum(CASE WHEN credit = 'fee_revenue' THEN amount_paise
                    WHEN debit = 'fee_revenue' THEN -amount_paise ELSE 0 END) AS fee_paise,
           sum(CASE WHEN credit = 'owed_to_customer' THEN amount_paise
                    WHEN debit = 'owed_to_customer' THEN -amount_paise ELSE 0 END) AS owed_paise,
           count(DISTINCT coalesce(booking_id, '')) AS bookings
    FROM ledger_entries GROUP BY payment_id) g ON g.payment_id = p.id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (coalesce(g.received_paise, 0) <> CASE WHEN p.disposition IS NULL THEN 0 ELSE p.amount_paise END
    OR least(g.tickets_paise, g.fee_paise, g.owed_paise) < 0 OR g.bookings > 1
    OR (p.disposition = 'refund' AND g.tickets_paise + g.fee_paise <> 0)
    OR (p.status = 'refunded' AND g.tickets_paise + g.fee_paise + g.owed_paise <> 0));

-- one_confirmation_each: A booking has one confirmation for each channel; one of the counter for each it has an address for.
SELECT e.slug, b.ref AS booking, b.channel, coalesce(o.mails, 0) AS mails,
       coalesce(o.texts, 0) AS texts
FROM bookings b
LEFT JOIN (SELECT booking_id, count(*) FILTER (WHERE channel = 'email') AS mails,
                  count(*) FILTER (WHERE channel = 'sms') AS texts
           FROM message_outbox
           WHERE kind = 'confirmation' GROUP BY booking_id) o ON o.booking_id = b.id
JOIN events e ON e.id = b.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (coalesce(o.mails, 0) NOT BETWEEN
           CASE WHEN b.channel = 'online' OR b.email <> '' THEN 1 ELSE 0 END AND 1
    OR coalesce(o.texts, 0) NOT BETWEEN
           CASE WHEN b.channel = 'online' OR b.phone <> '' THEN 1 ELSE 0 END AND 1);
