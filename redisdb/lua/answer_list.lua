-- Lists entries: from, most. Answers how many were looked at, then key and what is known of each.
local keys = redis.call('ZRANGE', P .. 't', tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1)
local out = {#keys}
for _, key in ipairs(keys) do
  local m = redis.call('HGET', P .. 'e:' .. key, 'm')
  if m then
    out[#out + 1] = key
    out[#out + 1] = m
  end
end
return out
