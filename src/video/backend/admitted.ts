/**
 * What may be opened; sound files only to say that they are. Playlists, concat scripts, image lists and devices are not in the list: they name other files.
 * Decoders of single large images are left out of what runs while a file is being opened.
 */
export const admittedFormats: readonly string[] = [
  "mov,mp4,m4a,3gp,3g2,mj2".split(","),
  "matroska,webm".split(","),
  "avi,asf,flv,ogg,mpeg,mpegts,mpegvideo,m4v,h264,hevc,h263,h261,vvc,av1,obu,ivf,gif,nut,rm,mxf,dv,vc1,vc1test".split(
    ",",
  ),
  "mp3,wav,flac,aac,swf,apng,mjpeg,mjpeg_2000,yuv4mpegpipe,nsv,wtv,dirac,cavsvideo,roq,bink,smk,fli,film_cpk,ea,4xm,idcin".split(
    ",",
  ),
].flat();

/** Decoders that may run while streams are being found. */
export const admittedCodecs: readonly string[] = [
  "h264,hevc,vvc,vp3,vp4,vp5,vp6,vp6a,vp6f,vp7,vp8,vp9,libvpx-vp9,av1,libdav1d,libaom-av1".split(","),
  "mpeg1video,mpeg2video,mpeg4,msmpeg4,msmpeg4v1,msmpeg4v2,msmpeg4v3,wmv1,wmv2,wmv3,vc1".split(","),
  "h261,h263,h263i,h263p,flv,theora,mjpeg,gif,svq1,svq3,cinepak,indeo2,indeo3,indeo4,indeo5".split(","),
  "rv10,rv20,rv30,rv40,prores,dnxhd,dvvideo,ffv1,huffyuv,ffvhuff,utvideo,qtrle,rpza,msvideo1,smc,cavs,dirac".split(
    ",",
  ),
  "flashsv,flashsv2,zmbv,fraps,lagarith,magicyuv,cfhd,hap,snow".split(","),
  "aac,aac_fixed,mp3,mp3float,mp2,mp2float,mp1,mp1float,ac3,eac3,opus,libopus,vorbis,libvorbis,flac,alac".split(
    ",",
  ),
  "amrnb,amrwb,wmav1,wmav2,wmapro,dca,truehd,pcm_s16le,pcm_s16be,pcm_s24le,pcm_u8,pcm_s8,pcm_f32le".split(
    ",",
  ),
  "pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,speex,cook".split(","),
].flat();

/** FFmpeg's reason for not opening a file, in words: a format outside the list above is no more than "invalid" to it. */
export const openingReason = (reason: string): string =>
  reason === "Invalid argument" ? "a picture, a playlist or another kind of file" : reason;

/** One sentence for a container that FFmpeg knows and we refuse. */
export const refusedContainer =
  "a film in a common container (playlists, images and scripts that point to other files are not opened)";
