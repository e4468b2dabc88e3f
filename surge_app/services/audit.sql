The invariants. Each query returns the rows that break a promise. :slug limits it to one event.

-- units_add_up: In every tier, available, held and sold units add up to its capacity.
SELECT e.slug, t.name AS tier, t.capacity, count(u.id) AS units
FROM tiers t JOIN events e ON e.id = t.event_id LEFT JOIN units u ON u.tier_id = t.id AND u.status <> 'withdrawn'
WHERE CAST(:slug AS text) IS NULL OR e.slug = :slug
GROUP BY e.slug, t.id, t.name, t.capacity
HAVING count(u.id) <> t.capacity;

-- holds_are_live: Held units belong to a live intent, and a live intent holds exactly its lines.
SELECT e.slug, i.id AS intent, i.status, t.name AS tier, l.quantity AS wanted,
       count(u.id) FILTER (WHERE u.status = 'held') AS held
FROM intents i
JOIN events e ON e.id = i.event_id
JOIN intent_lines l ON l.intent_id = i.id
JOIN tiers t ON t.id = l.tier_id
LEFT JOIN units u ON u.intent_id = i.id AND u.tier_id = l.tier_id
WHERE CAST(:slug AS text) IS NULL OR e.slug = :slug
GROUP BY e.slug, i.id, i.status, t.name, l.quantity
HAVING count(u.id) FILTER (WHERE u.status = 'held')
       <> CASE WHEN i.status IN ('held', 'paying') THEN l.quantity ELSE 0 END
UNION ALL
SELECT e.slug, u.intent_id, i.status, t.name, 0, 1
FROM units u
JOIN tiers t ON t.id = u.tier_id
JOIN events e ON e.id = t.event_id
JOIN intents i ON i.id = u.intent_id
WHERE u.status = 'held' AND (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND NOT EXISTS (SELECT 1 FROM intent_lines l WHERE l.intent_id = i.id AND l.tier_id = u.tier_id);

-- sold_units_have_a_ticket: A unit is sold exactly if one valid ticket names it.
SELECT e.slug, u.id AS unit, u.status, count(k.id) AS valid_tickets
FROM units u
JOIN tiers t ON t.id = u.tier_id
JOIN events e ON e.id = t.event_id
LEFT JOIN tickets k ON k.unit_id = u.id AND k.status = 'valid'
LEFT JOIN bookings b ON b.intent_id = u.intent_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
GROUP BY e.slug, u.id, u.status
HAVING count(k.id) <> CASE
    WHEN u.status = 'sold' AND coalesce(bool_or(b.status = 'confirmed'), true) THEN 1 ELSE 0 END;

-- money_has_one_end: Captured money is applied to one booking or refunded once, never both, never neither.
SELECT e.slug, p.id AS payment, p.status, p.disposition,
       count(DISTINCT b.id) AS bookings, count(DISTINCT r.id) AS refunds
FROM payments p
JOIN intents i ON i.id = p.intent_id
JOIN events e ON e.id = i.event_id
LEFT JOIN bookings b ON b.intent_id = i.id AND p.disposition = 'applied'
LEFT JOIN refunds r ON r.payment_id = p.id
WHERE p.status IN ('captured', 'refunded') AND (CAST(:slug AS text) IS NULL OR e.slug = :slug)
GROUP BY e.slug, p.id, p.status, p.disposition
HAVING (p.disposition IS NULL AND p.status = 'captured')
    OR (p.disposition = 'applied' AND count(DISTINCT b.id) <> 1)
    OR (p.disposition = 'applied' AND bool_or(b.status <> 'confirmed') AND count(DISTINCT r.id) <> 1)
    OR (p.disposition = 'applied' AND bool_and(b.status = 'confirmed') AND count(DISTINCT r.id) <> 0)
    OR (p.disposition = 'refund' AND (count(DISTINCT r.id) <> 1 OR count(DISTINCT b.id) <> 0));

-- bookings_are_paid: A booking has one applied payment of exactly its total, in its currency; a free one none.
SELECT e.slug, b.ref, b.total_paise, count(p.id) AS payments, min(p.amount_paise) AS paid_paise
FROM bookings b
JOIN events e ON e.id = b.event_id
LEFT JOIN payments p ON p.intent_id = b.intent_id AND p.disposition = 'applied'
     AND p.currency = b.currency
WHERE CAST(:slug AS text) IS NULL OR e.slug = :slug
GROUP BY e.slug, b.ref, b.total_paise
HAVING count(p.id) <> CASE WHEN b.total_paise = 0 THEN 0 ELSE 1 END
    OR min(p.amount_paise) <> b.total_paise;

-- bookings_have_their_tickets: A booking has as many tickets as its lines wanted.
SELECT e.slug, b.ref,
       (SELECT sum(l.quantity) FROM intent_lines l WHERE l.intent_id = b.intent_id) AS wanted,
       (SELECT count(*) FROM tickets k WHERE k.booking_id = b.id) AS tickets
FROM bookings b JOIN events e ON e.id = b.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND (SELECT sum(l.quantity) FROM intent_lines l WHERE l.intent_id = b.intent_id)
      IS DISTINCT FROM (SELECT count(*) FROM tickets k WHERE k.booking_id = b.id);

-- prices_agree: First price shown, intent, booking and ledger agree, the frozen fee included.
SELECT e.slug, b.ref, i.total_paise AS held_paise, b.total_paise AS booked_paise,
       sum(g.amount_paise) FILTER (WHERE g.kind = 'sale') AS ledger_tickets_paise,
       sum(g.amount_paise) FILTER (WHERE g.kind = 'sale_fee') AS ledger_fee_paise
FROM bookings b
JOIN events e ON e.id = b.event_id
JOIN intents i ON i.id = b.intent_id
LEFT JOIN ledger_entries g ON g.booking_id = b.id
WHERE CAST(:slug AS text) IS NULL OR e.slug = :slug
GROUP BY e.slug, b.id, b.ref, i.id
HAVING i.total_paise <> b.total_paise OR i.fee_paise <> b.fee_paise
    OR i.subtotal_paise <> (SELECT sum(l.quantity * l.unit_price_paise)
                            FROM intent_lines l WHERE l.intent_id = i.id)
    OR coalesce(sum(g.amount_paise) FILTER (WHERE g.kind = 'sale'), 0) <> b.subtotal_paise
    OR coalesce(sum(g.amount_paise) FILTER (WHERE g.kind = 'sale_fee'), 0) <> b.fee_paise;

-- ledger_closes: What was received for a payment is revenue, owed, or paid back: nothing is lost.
SELECT e.slug, p.id AS payment, p.amount_paise,
       sum(g.amount_paise) FILTER (WHERE g.debit = 'gateway_receivable') AS received_paise,
       sum(g.amount_paise) FILTER (WHERE g.credit = 'owed_to_customer') AS owed_paise,
       sum(g.amount_paise) FILTER (WHERE g.debit = 'owed_to_customer') AS paid_back_paise
FROM payments p
JOIN intents i ON i.id = p.intent_id
JOIN events e ON e.id = i.event_id
LEFT JOIN ledger_entries g ON g.payment_id = p.id
WHERE p.disposition IS NOT NULL AND (CAST(:slug AS text) IS NULL OR e.slug = :slug)
GROUP BY e.slug, p.id, p.amount_paise, p.status
HAVING coalesce(sum(g.amount_paise) FILTER (WHERE g.debit = 'gateway_receivable'), 0) <> p.amount_paise
    OR (p.status = 'refunded' AND coalesce(sum(g.amount_paise) FILTER (WHERE g.debit = 'owed_to_customer'), 0)
        <> coalesce(sum(g.amount_paise) FILTER (WHERE g.credit = 'owed_to_customer'), 0));

-- one_confirmation_each: A booking has one confirmation for each channel.
SELECT e.slug, b.ref, count(o.id) AS messages, count(DISTINCT o.channel) AS channels
FROM bookings b
JOIN events e ON e.id = b.event_id
LEFT JOIN message_outbox o ON o.booking_id = b.id AND o.kind = 'confirmation'
WHERE CAST(:slug AS text) IS NULL OR e.slug = :slug
GROUP BY e.slug, b.ref
HAVING count(o.id) <> 2 OR count(DISTINCT o.channel) <> 2;

-- holds_end_in_time: No hold outlives its deadline by more than 2 s, or 62 s while the gateway is asked.
SELECT e.slug, i.id AS intent, i.status, i.expires_at
FROM intents i JOIN events e ON e.id = i.event_id
WHERE (CAST(:slug AS text) IS NULL OR e.slug = :slug)
  AND ((i.status = 'held' AND i.expires_at < hold_clock() - interval '2 seconds')
    OR (i.status = 'paying' AND i.expires_at < hold_clock() - interval '62 seconds'));
