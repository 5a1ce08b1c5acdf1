import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'
import { compressFrame, decompressFrame } from 'lz4-napi'
import { compress, uncompress } from 'snappy'

/** What kafkajs asks of a codec. An encoder holds its bytes in `buffer`. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

/** Written before the blocks by Java's Snappy streams, and so by every Java producer; others write one bare block. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
/** magic, version, oldest version that can read it */
const xerialHeader = xerialMagic.length + 8

const blocksOf = (buffer: Buffer): Buffer[] => {
  if (!buffer.subarray(0, xerialMagic.length).equals(xerialMagic)) return [buffer]
  const blocks: Buffer[] = []
  for (let at = xerialHeader; at < buffer.length; ) {
    const length = buffer.readInt32BE(at)
    blocks.push(buffer.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return blocks
}

const snappy: Codec = {
  compress: ({ buffer }) => compress(buffer),
  decompress: async (buffer) => {
    const parts = await Promise.all(blocksOf(buffer).map((block) => uncompress(block, { asBuffer: true })))
    return Buffer.concat(parts as Buffer[])
  },
}

const lz4: Codec = {
  compress: ({ buffer }) => compressFrame(buffer),
  decompress: (buffer) => decompressFrame(buffer),
}

const zstd: Codec = {
  compress: ({ buffer }) => promisify(zstdCompress)(buffer),
  decompress: (buffer) => promisify(zstdDecompress)(buffer),
}

/**
 * Without these a batch that some other producer has compressed ends the consumer. kafkajs keeps codecs for the whole
 * process.
 */
export const registerCodecs = (): void => {
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.Snappy] = () => snappy
  CompressionCodecs[CompressionTypes.LZ4] = () => lz4
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstd
}
