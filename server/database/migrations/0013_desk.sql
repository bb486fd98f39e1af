-- The staff's first page: whom they looked at last, and messages that were given up.
CREATE INDEX audit_event_actor ON audit_event (actor, at);
CREATE INDEX outbox_failed ON outbox (failed_at) WHERE failed_at IS NOT NULL;
