/*
 * The scripts of the tiles. Each is one call a batch and hash tag, so a cluster runs it on one slot.
 *
 * KEYS[1] floors of the generation: by partition (epoch, offset) below which rows came, or come, from segments
 * KEYS[2…] hashes of tiles, one an entity
 */

/** Partition of what comes from segments: it is under the floors as a whole, so nothing of it can have been applied. */
export const fromSegments = 0xffff

/** Merges two payloads of a layout (see tile-codec.ts), by the formulas of partials.ts. */
const merging = `
local inf = math.huge
local function place(s, at) return struct.unpack('>ddI2I2d', s, at) end
local function beats(a, aat, b, bat)
  local p, q = { place(a, aat) }, { place(b, bat) }
  for i = 1, 5 do if p[i] ~= q[i] then return p[i] > q[i] end end
  return false
end
local function lastEnd(s, at) return at + 32 + struct.unpack('>I4', s, at + 28) end

local function merge(layout, a, aat, b, bat)
  local out, na, nb = {}, 0, 0
  for kind in string.gmatch(layout, '.') do
    local piece
    if kind == 'c' then
      na, aat = struct.unpack('>I6', a, aat)
      nb, bat = struct.unpack('>I6', b, bat)
      piece = struct.pack('>I6', na + nb)
    elseif kind == 'l' then
      local aend, bend = lastEnd(a, aat), lastEnd(b, bat)
      local second = na == 0 or (nb > 0 and beats(b, bat, a, aat))
      piece = second and string.sub(b, bat, bend - 1) or string.sub(a, aat, aend - 1)
      aat, bat = aend, bend
    else
      local size = (kind == 's' or kind == 'v') and 16 or 8
      if nb == 0 then piece = string.sub(a, aat, aat + size - 1)
      elseif na == 0 then piece = string.sub(b, bat, bat + size - 1)
      elseif kind == 's' then
        local ah, al = struct.unpack('>dd', a, aat)
        local bh, bl = struct.unpack('>dd', b, bat)
        local sum = ah + bh
        if sum == sum and sum ~= inf and sum ~= -inf then
          local part = sum - ah
          local rest = (ah - (sum - part)) + (bh - part) + al + bl
          local high = sum + rest
          piece = struct.pack('>dd', high, rest - (high - sum))
        else piece = struct.pack('>dd', sum, 0) end
      elseif kind == 'v' then
        local am, as = struct.unpack('>dd', a, aat)
        local bm, bs = struct.unpack('>dd', b, bat)
        local n, away = na + nb, bm - am
        piece = struct.pack('>dd', am + away * nb / n, as + bs + away * away * na / n * nb)
      else
        local ah, al, bh, bl
        if kind == 'm' or kind == 'M' then
          ah, bh, al, bl = struct.unpack('>d', a, aat), struct.unpack('>d', b, bat), 0, 0
        else
          ah, al = struct.unpack('>I4I4', a, aat)
          bh, bl = struct.unpack('>I4I4', b, bat)
        end
        local less = bh < ah or (bh == ah and bl < al)
        local second = less
        if kind == 'M' or kind == 'I' then second = bh > ah or (bh == ah and bl > al) end
        piece = second and string.sub(b, bat, bat + 7) or string.sub(a, aat, aat + 7)
      end
      aat, bat = aat + size, bat + size
    end
    out[#out + 1] = piece
  end
  return table.concat(out)
end
`

const newest = `
local function raiseNewest(key, at)
  local old = redis.call('HGET', key, 'n')
  if not old or struct.unpack('>d', old) < at then redis.call('HSET', key, 'n', struct.pack('>d', at)) end
end
`

/**
 * Applies rows to tiles, summed up by tile and partition, each once: a run whose offsets were applied is skipped, and one of which
 * only some were is given back with the last of those.
 *
 * ARGV: ms to keep a hash (0 for ever), how many fields one may have before dead tiles are looked for, the number of levels, of each its
 * layout and its oldest live tile, then the runs:
 * index of the key (2), level letter (1; 0: no tile), tile (4), partition (2), epoch (2), first and last offset (6 + 6),
 * event time of the newest row (8), payload.
 *
 * Returns false when the generation is not there, else [run, last offset applied, …] of the runs to be cut.
 */
export const applyRuns = `
${merging}
${newest}
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local keep, most, levels = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local layout, oldest = {}, {}
for i = 1, levels do layout[96 + i], oldest[96 + i] = ARGV[2 + 2 * i], tonumber(ARGV[3 + 2 * i]) end
local first = 4 + 2 * levels
local floors, back, touched = {}, {}, {}

local function floorOf(p)
  if floors[p] == nil then
    local f = redis.call('HGET', KEYS[1], p)
    floors[p] = f and { struct.unpack('>I2I6', f) } or { 0, 0 }
  end
  return floors[p][1], floors[p][2] - 1
end

local function prune(key)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local tile = tonumber(string.sub(field, 2))
    if tile and tile < (oldest[string.byte(field)] or inf) then redis.call('HDEL', key, field) end
  end
end

for j = first, #ARGV do
  local run = ARGV[j]
  local k, level, tile, p, e, from, to, at = struct.unpack('>I2Bi4I2I2I6I6d', run)
  local key = KEYS[k]
  if touched[k] == nil or touched[k] < at then touched[k] = at end
  if layout[level] and tile >= oldest[level] then
    local field = string.char(level) .. string.format('%d', tile)
    local old = redis.call('HGET', key, field)
    local n, mine, ae, ao = 0, nil, 0, -1
    if old then
      n = struct.unpack('>I2', old)
      for i = 0, n - 1 do
        local q, qe, qo = struct.unpack('>I2I2I6', old, 3 + 10 * i)
        if q == p then mine, ae, ao = i, qe, qo break end
      end
    end
    if p ~= ${fromSegments} then
      local fe, fo = floorOf(p)
      if fe > ae or (fe == ae and fo > ao) then ae, ao = fe, fo end
    end
    if p ~= ${fromSegments} and ae == e and from <= ao and to > ao then
      back[#back + 1] = j - first
      back[#back + 1] = ao
    elseif p == ${fromSegments} or e > ae or (e == ae and from > ao) then
      local marks = old and string.sub(old, 3, 2 + 10 * n) or ''
      if p ~= ${fromSegments} then
        local mark = struct.pack('>I2I2I6', p, e, to)
        if mine then marks = string.sub(marks, 1, 10 * mine) .. mark .. string.sub(marks, 11 + 10 * mine)
        else marks, n = marks .. mark, n + 1 end
      end
      local payload = string.sub(run, 32)
      if old then payload = merge(layout[level], old, 3 + 10 * struct.unpack('>I2', old), payload, 1) end
      redis.call('HSET', key, field, struct.pack('>I2', n) .. marks .. payload)
    end
  end
end
for k, at in pairs(touched) do
  raiseNewest(KEYS[k], at)
  if redis.call('HLEN', KEYS[k]) > most then prune(KEYS[k]) end
  if keep ~= '0' then redis.call('PEXPIRE', KEYS[k], keep) end
end
return back`

/**
 * Sets closed tiles to what the segments say, unless they know of rows that those segments did not have.
 *
 * ARGV: ms to keep a hash, cursors of the segments as (partition, epoch, next offset) of 10 bytes each, then the tiles:
 * index of the key (2), level letter (1), tile (4), event time of the newest row (8), payload.
 *
 * Returns false when the generation is not there, else how many were set, how many of those held something else, and how many were ahead.
 */
export const resetTiles = `
${newest}
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local keep, cursors = ARGV[1], {}
for at = 1, #ARGV[2], 10 do
  local p, e, o = struct.unpack('>I2I2I6', ARGV[2], at)
  cursors[p] = { e, o }
end
local set, differed, ahead = 0, 0, 0
for j = 3, #ARGV do
  local given = ARGV[j]
  local k, level, tile, at = struct.unpack('>I2Bi4d', given)
  local key, field, payload = KEYS[k], string.char(level) .. string.format('%d', tile), string.sub(given, 16)
  local old = redis.call('HGET', key, field)
  local head, covered = struct.pack('>I2', 0), true
  if old then
    local n = struct.unpack('>I2', old)
    for i = 0, n - 1 do
      local p, e, o = struct.unpack('>I2I2I6', old, 3 + 10 * i)
      local c = cursors[p]
      if not c or e > c[1] or (e == c[1] and o >= c[2]) then covered = false end
    end
    head = string.sub(old, 1, 2 + 10 * n)
  end
  if covered then
    set = set + 1
    if not old or string.sub(old, #head + 1, #head + 6) ~= string.sub(payload, 1, 6) then differed = differed + 1 end
    redis.call('HSET', key, field, head .. payload)
    raiseNewest(key, at)
    if keep ~= '0' then redis.call('PEXPIRE', key, keep) end
  else ahead = ahead + 1 end
end
return { set, differed, ahead }`
