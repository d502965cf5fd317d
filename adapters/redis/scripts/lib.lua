-- Shared by all operations: each script is this text and its own. KEYS[1] is the
-- beginning of every key; it ends the hash tag, so that all lie in one slot.
--
--   tickets    hash  source -> what waits: {job, provider, owner, due}
--   leases     hash  source -> what is held: the same and {token, worker}
--   behind     hash  source -> what waits behind a lease (or behind a ticket that was leased)
--   expiry     zset  source by the end of its lease
--   delayed    zset  source by due time: waits and was not due when it was put
--   lane:P:O   zset  source by due time: waits and is due, of provider P and owner O
--   lanes:P    zset  owner by rank: leases running, then the due time of the lane's head
--   providers  set   those that have lanes
--   idle       a claim has found nothing since the last wake-up
--   running:owners, running:providers  hash: leases running; no field is 0
--
-- A source is in tickets or in leases, never in both. Times are milliseconds of
-- the server's clock; a number is 13 digits long, which cjson keeps exactly.
local base = KEYS[1]
local call = redis.call

local function time()
	local t = call('TIME')
	return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function int(n)
	return string.format('%.0f', n)
end

local function get(hash, source)
	local v = call('HGET', base .. hash, source)
	return v and cjson.decode(v)
end

local function set(hash, source, t)
	call('HSET', base .. hash, source, cjson.encode(t))
end

local function lane(provider, owner)
	return base .. 'lane:' .. provider .. ':' .. owner
end

-- rank puts a lane where claim finds it. A rank is one number: 42 bits hold a
-- due time until the year 2109, the 11 bits above it the leases of the owner;
-- of an owner with more than 2,047 leases only the order in time is rounded.
local function rank(provider, owner)
	local lanes = base .. 'lanes:' .. provider
	local head = call('ZRANGE', lane(provider, owner), 0, 0, 'WITHSCORES')
	if #head == 0 then
		call('ZREM', lanes, owner)
		if call('EXISTS', lanes) == 0 then
			call('SREM', base .. 'providers', provider)
		end
		return
	end
	local running = call('HGET', base .. 'running:owners', owner) or 0
	call('SADD', base .. 'providers', provider)
	call('ZADD', lanes, int(running * 2 ^ 42 + head[2]), owner)
end

-- Lanes whose head or whose owner's leases have changed are ranked once, by
-- settle, at the end of an operation or before it chooses.
local dirty = {}

local function touch(provider, owner)
	dirty[lane(provider, owner)] = { provider, owner }
end

local function settle()
	for _, d in pairs(dirty) do
		rank(d[1], d[2])
	end
	dirty = {}
end

local function ready(source, t)
	call('ZADD', lane(t.provider, t.owner), int(t.due), source)
	touch(t.provider, t.owner)
end

local function wait(source, t, now)
	set('tickets', source, t)
	if t.due > now then
		call('ZADD', base .. 'delayed', int(t.due), source)
	else
		ready(source, t)
	end
end

local function unwait(source, t)
	call('HDEL', base .. 'tickets', source)
	if call('ZREM', base .. 'delayed', source) == 0 then
		call('ZREM', lane(t.provider, t.owner), source)
		touch(t.provider, t.owner)
	end
end

local function count(kind, name, by)
	if call('HINCRBY', base .. 'running:' .. kind, name, by) <= 0 then
		call('HDEL', base .. 'running:' .. kind, name)
	end
end

-- running counts a lease that begins or ends; every lane of its owner moves.
local function running(l, by)
	count('owners', l.owner, by)
	count('providers', l.provider, by)
	for _, provider in ipairs(call('SMEMBERS', base .. 'providers')) do
		touch(provider, l.owner)
	end
end

local function free(source, l)
	call('HDEL', base .. 'leases', source)
	call('ZREM', base .. 'expiry', source)
	running(l, -1)
end

-- back ends a lease whose job has not ended. What waits behind it goes on doing
-- so, unless it is of the same job: then it is this ticket.
local function back(source, l, due, now)
	free(source, l)
	local b = get('behind', source)
	if b and b.job == l.job then
		call('HDEL', base .. 'behind', source)
	end
	wait(source, { job = l.job, provider = l.provider, owner = l.owner, due = due }, now)
end

local function reap(now, max)
	local gone = call('ZRANGEBYSCORE', base .. 'expiry', '-inf', int(now), 'LIMIT', 0, max)
	for _, source in ipairs(gone) do
		local l = get('leases', source)
		if l then
			back(source, l, now, now)
		else
			call('ZREM', base .. 'expiry', source)
		end
	end
	return #gone
end

local batch = 100 -- bounds what one operation moves; the next one goes on

-- promote moves tickets that have become due into their lanes, the oldest first.
local function promote(now)
	local due = call('ZRANGEBYSCORE', base .. 'delayed', '-inf', int(now), 'LIMIT', 0, batch)
	for _, source in ipairs(due) do
		call('ZREM', base .. 'delayed', source)
		local t = get('tickets', source)
		if t then
			ready(source, t)
		end
	end
end

-- wake lets those claim again that have found nothing.
local function wake()
	call('DEL', base .. 'idle')
	call('PUBLISH', base .. 'wake', '')
end

-- wakeIdle is wake for what happens all the time: a message to each process for
-- nobody who waits would take as long as all else. Where the mark got lost, they
-- claim again when the next lease ends.
local function wakeIdle()
	if call('DEL', base .. 'idle') == 1 then
		call('PUBLISH', base .. 'wake', '')
	end
end
