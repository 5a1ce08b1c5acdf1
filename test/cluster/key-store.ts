import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * A key with a certificate of its own for 127.0.0.1, by the JDK's keytool, in a PKCS12 file.
 *
 * @returns the certificate, as PEM
 */
export async function makeKeyStore({ file, password }: { file: string; password: string }): Promise<string> {
  const keytool = async (...args: string[]): Promise<string> => {
    const common = ['-keystore', file, '-storetype', 'PKCS12', '-storepass', password, '-alias', 'server']
    return (await promisify(execFile)('keytool', [...args, ...common])).stdout
  }
  const names = ['-dname', 'CN=127.0.0.1', '-ext', 'SAN=IP:127.0.0.1,DNS:localhost']
  await keytool('-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2', ...names)
  return keytool('-exportcert', '-rfc')
}
