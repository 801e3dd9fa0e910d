-- Forget: account.
local key = text()
for _, id in ipairs(redis.call('SMEMBERS', P .. 'l:' .. key)) do
  local h = get(id)
  if h and h.k == LOST then
    local rest = {}
    for _, p in ipairs(h.p) do
      if p[1] ~= key then rest[#rest + 1] = p end
    end
    h.p = rest
    if #rest == 0 then drop(id) else put(id, h) end
  end
end
return redis.call('DEL', P .. 'a:' .. key, P .. 'l:' .. key)
