-- Sends the tokens of a file, one after the other.
local requests, at = {}, 0

function init(arguments)
  for token in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format('GET', nil, {Authorization = 'Bearer ' .. token, Host = wrk.headers.Host})
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
