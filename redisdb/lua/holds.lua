-- Holds: offset, most. Answers how many ids were looked at, then of each hold its fields, the number of its places and those.
local from, most = num(), num()
local ids = redis.call('ZRANGE', P .. 'x', from, from + most - 1)
local out = {#ids}
local function add(v) out[#out + 1] = v end
for _, id in ipairs(ids) do
  local h = get(id)
  if h and h.k ~= DONE then
    add(id)
    add(h.s)
    add(h.b)
    add(h.e)
    for _, v in ipairs(h.i) do add(v) end
    local there = {}
    for _, p in ipairs(h.p) do
      local a = account(p[1])
      if a and a.g == p[2] then there[#there + 1] = p end
    end
    add(#there)
    for _, p in ipairs(there) do
      add(p[1])
      for i = 1, 4 do add(p[4][i]) end
    end
  end
end
return out
