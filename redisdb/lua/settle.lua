-- Settle: at, id, until when the cost of a carried hold counts, cost.
local at, id, till, cost = num(), text(), num(), amount()
local h = get(id)
if h and h.k == DONE then return 0 end
if h and h.k == CARRIED then
  for _, place in ipairs(places(h, at)) do
    local a, p = place[1], place[2]
    unhold(a, p[3], p[4])
    hold(a, p[3], cost, 1)
    p[4] = cost
  end
  h.k, h.e = DONE, till
  put(id, h, till)
  save()
  return 1
end
if h then
  drop(id)
  for _, place in ipairs(places(h, at)) do
    local a, p = place[1], place[2]
    charge(a, p[3], cost, p[4])
    unhold(a, p[3], p[4])
  end
  save()
  return 1
end
local packed = redis.call('HGET', P .. 'e', id)
if not packed then return 0 end
redis.call('HDEL', P .. 'e', id)
redis.call('ZREM', P .. 'y', id)
for _, place in ipairs(places(cmsgpack.unpack(packed), at)) do charge(place[1], place[2][3], cost, none()) end
save()
return 1
