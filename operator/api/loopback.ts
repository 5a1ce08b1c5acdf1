/** Whether a host, as `URL.hostname` gives it, is this machine: what is sent there nobody else reads. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
