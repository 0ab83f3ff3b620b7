CREATE INDEX revocations_by_time ON revocations (at);
