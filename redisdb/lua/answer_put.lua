-- Put: at, key, end, the server's milliseconds to live, size, most bytes of all, what is known, body. Those used longest ago
-- make room.
local at, key, till, life, size, most = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
drop(key)
if size > most or till <= at then return 0 end
sweep(at, 100)
redis.call('HSET', P .. 'e:' .. key, 'm', ARGV[7], 'b', ARGV[8])
redis.call('PEXPIRE', P .. 'e:' .. key, life)
redis.call('HSET', P .. 's', key, size)
redis.call('ZADD', P .. 'u', at, key)
redis.call('ZADD', P .. 't', till, key)
local sum = redis.call('INCRBY', P .. 'b', size)
while sum > most do
  local oldest = redis.call('ZRANGE', P .. 'u', 0, 0)[1]
  if not oldest then break end
  if oldest == key then oldest = redis.call('ZRANGE', P .. 'u', 1, 1)[1] or key end
  drop(oldest)
  redis.call('HINCRBY', P .. 'n', 'evictions', 1)
  sum = tonumber(redis.call('GET', P .. 'b'))
end
return 1
