-- Get: at, key. Answers what is known of the entry and its body, or nothing.
local at, key = tonumber(ARGV[1]), ARGV[2]
local till = redis.call('ZSCORE', P .. 't', key)
if not till or tonumber(till) <= at then return {} end
local e = redis.call('HMGET', P .. 'e:' .. key, 'm', 'b')
if not e[1] then
  drop(key)
  return {}
end
redis.call('ZADD', P .. 'u', at, key)
return e
