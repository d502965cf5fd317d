-- Shared by the operations on a budget. KEYS[1] is a hash of one credential:
--
--   left, limit, reset  calls that the provider still allows, of how many, until when
--   blocked             nobody may call before
--   used, ends          calls that we counted against a limit of our own, until when
--
-- Times are milliseconds of the server's clock.
local key = KEYS[1]
local call = redis.call

local function time()
	local t = call('TIME')
	return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function int(n)
	return string.format('%.0f', n)
end

local function field(name)
	return tonumber(call('HGET', key, name) or 0)
end

-- keep lets the hash live as long as anything in it counts.
local function keep()
	call('PEXPIRE', key, 2 * 3600 * 1000)
end
