-- Expire: at, most. Answers how many were looked at.
local at, most = num(), num()
local ids = redis.call('ZRANGEBYSCORE', P .. 'x', '-inf', at, 'LIMIT', 0, most)
for _, id in ipairs(ids) do
  local h = get(id)
  if not h then
    redis.call('ZREM', P .. 'x', id)
  elseif h.s == SENT and h.k == USUAL then
    h.s = PRESUMED
    put(id, h, h.v)
  else -- not sent, or presumed in windows that are over, or of a call that the store tells of
    release(id, h, at)
  end
end
local old = redis.call('ZRANGEBYSCORE', P .. 'y', '-inf', at, 'LIMIT', 0, most)
for _, id in ipairs(old) do
  redis.call('HDEL', P .. 'e', id)
  redis.call('ZREM', P .. 'y', id)
end
redis.call('ZREMRANGEBYSCORE', P .. 'r', '-inf', at - 400 * 86400 * 1000000)
save()
return math.max(#ids, #old)
