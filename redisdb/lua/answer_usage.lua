-- Usage: at, how many that are over to drop at most. Answers how many were, entries, bytes, evictions and expired.
local swept = sweep(tonumber(ARGV[1]), tonumber(ARGV[2]))
local n = redis.call('HMGET', P .. 'n', 'evictions', 'expired')
return {swept, redis.call('ZCARD', P .. 't'), tonumber(redis.call('GET', P .. 'b') or 0), tonumber(n[1] or 0), tonumber(n[2] or 0)}
