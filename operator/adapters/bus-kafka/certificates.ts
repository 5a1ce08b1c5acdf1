import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { failure, type Result, success } from '../../api/result.ts'

/** The PEM text of a file with certificates. Fails with `InvalidConfig`. */
export const readCertificates = (path: string): Result<string> => {
  const wrong = (found: string): Result<string> =>
    failure({
      reason: 'InvalidConfig',
      message: `KARMA_KAFKA_CA: ${path}: expected certificates in PEM, found ${found}`,
      retry: false,
    })
  try {
    const text = readFileSync(path, 'utf8')
    const [first] = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/) ?? []
    if (first === undefined) return wrong('none')
    new X509Certificate(first)
    return success(text)
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
}
