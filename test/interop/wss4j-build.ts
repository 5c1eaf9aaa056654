/** Builds the WSS4J oracle of test/interop/wss4j. */
import { buildJava } from './java-build.ts';

/**
 * Its class path. Two Bouncy Castles come along; the older one is for JDK 5.
 *
 * @throws NotInstalled when Java or Maven is missing, or Maven Central is out of reach
 */
export function buildWss4j(): Promise<string> {
  return buildJava('wss4j', { maven: ['-DexcludeArtifactIds=bcprov-jdk15on,bcpkix-jdk15on'] });
}
